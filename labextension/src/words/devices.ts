/** What devices are called. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDevice } from '../wire';

/** "GPU 0", and "GPU 0, slice 2" where there are several slices of that card. */
export function deviceLabel(
  device: IDevice,
  devices: readonly IDevice[],
  trans: TranslationBundle
): string {
  const slices = devices.filter(({ kind, parent }) => kind === 'mig' && parent === device.parent);
  return device.kind === 'mig' && slices.length > 1
    ? trans.__('GPU %1, slice %2', device.index, slices.indexOf(device) + 1)
    : trans.__('GPU %1', device.index);
}
