/** All the rest that a GPU tells, for whoever unfolds it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IDevice } from '../wire';
import { megahertz, percent, rate, UNKNOWN } from '../words/figures';

export interface IGpuDetailsProps {
  device: IDevice;
  driver: string | null;
  /** From the start. */
  unfolded: boolean;
  trans: TranslationBundle;
}

export function GpuDetails(props: IGpuDetailsProps): React.JSX.Element {
  const { device, unfolded, trans } = props;
  return (
    <details className="st-Details" open={unfolded || undefined}>
      <summary>
        {trans.__('Details')}
        <span className="st-Hidden">: {device.name}</span>
      </summary>
      <dl className="st-Facts">
        {factsOf(props).map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
    </details>
  );
}

/** Names and values; what the driver does not tell is left out. */
function factsOf({ device, driver, trans }: IGpuDetailsProps): [string, string][] {
  const { figures } = device;
  const both = (received: number | null, sent: number | null): string =>
    received === null && sent === null
      ? UNKNOWN
      : trans.__('%1 in, %2 out', rate(received, trans), rate(sent, trans));
  const facts: [string, string][] = [
    [trans.__('Clock'), megahertz(figures.clock_sm_mhz, figures.clock_sm_max_mhz)],
    [trans.__('Memory clock'), megahertz(figures.clock_memory_mhz, figures.clock_memory_max_mhz)],
    [trans.__('Speed'), speed(device, trans)],
    [trans.__('Memory bus'), percent(figures.memory_busy_percent)],
    [
      trans.__('PCIe'),
      both(figures.pcie_receive_bytes_per_second, figures.pcie_transmit_bytes_per_second)
    ],
    [
      trans.__('NVLink'),
      both(figures.nvlink_receive_bytes_per_second, figures.nvlink_transmit_bytes_per_second)
    ],
    [trans.__('Memory errors'), errors(device, trans)],
    [trans.__('Encoder'), percent(figures.encoder_percent)],
    [trans.__('Decoder'), percent(figures.decoder_percent)],
    [trans.__('Driver'), driver ?? UNKNOWN],
    [trans.__('Identity'), device.id]
  ];
  return facts.filter(([, value]) => value !== UNKNOWN);
}

function speed({ throttle }: IDevice, trans: TranslationBundle): string {
  if (throttle === null) {
    return UNKNOWN;
  }
  return throttle.length === 0
    ? trans.__('not slowed down')
    : throttle.map(reason => reason.text).join('; ');
}

function errors({ figures }: IDevice, trans: TranslationBundle): string {
  const { ecc_corrected: corrected, ecc_uncorrected: uncorrected } = figures;
  if (corrected === null && uncorrected === null) {
    return UNKNOWN;
  }
  return trans.__('%1 corrected, %2 not corrected', corrected ?? UNKNOWN, uncorrected ?? UNKNOWN);
}
