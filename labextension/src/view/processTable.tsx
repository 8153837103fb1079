/** Who uses the GPUs: the processes of this workspace, and the notebook or terminal of each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IGpus, IKernel, IProcess } from '../wire';
import { deviceLabel } from '../words/devices';
import { bytes } from '../words/figures';

export type Owner = NonNullable<IProcess['owner']>;

export interface IProcessTableProps {
  gpus: IGpus;
  kernels: readonly IKernel[];
  onGoTo: (owner: Owner) => void;
  onStopKernel: (kernel: IKernel) => void;
  trans: TranslationBundle;
}

export function ProcessTable(props: IProcessTableProps): React.JSX.Element {
  const { gpus, trans } = props;
  return (
    <section className="st-Card" aria-labelledby="st-processes">
      <h3 className="st-Card-heading" id="st-processes">
        {trans.__('On the GPU')}
      </h3>
      {gpus.processes === null || gpus.processes.length === 0 ? (
        <p className="st-Rule">
          {gpus.processes_note || trans.__('No program of yours uses the GPU.')}
        </p>
      ) : (
        <table className="st-Processes">
          <thead>
            <tr>
              <th scope="col">{trans.__('Program')}</th>
              <th scope="col">{trans.__('GPU memory')}</th>
            </tr>
          </thead>
          <tbody>
            {gpus.processes.map(process => (
              <Row key={`${process.device} ${process.pid}`} process={process} {...props} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Row(props: IProcessTableProps & { process: IProcess }): React.JSX.Element {
  const { process, gpus, kernels, trans } = props;
  const { owner } = process;
  const device = gpus.devices.find(({ id }) => id === process.device);
  const kernel = kernels.find(({ id }) => id === owner?.kernel_id);
  return (
    <tr>
      <th scope="row">
        {process.name}{' '}
        <small>
          {gpus.devices.length > 1 && device !== undefined
            ? trans.__('%1, PID %2', deviceLabel(device, gpus.devices, trans), process.pid)
            : trans.__('PID %1', process.pid)}
        </small>
        <div className="st-Process-owner">
          {owner !== null && <OwnerName owner={owner} {...props} />}
          {kernel !== undefined && (
            <button
              type="button"
              className="st-Link"
              aria-label={trans.__('Stop the kernel of %1…', kernel.title)}
              onClick={() => props.onStopKernel(kernel)}
            >
              {trans.__('Stop kernel…')}
            </button>
          )}
        </div>
      </th>
      <td className="st-Number">{bytes(process.memory_bytes, trans)}</td>
    </tr>
  );
}

function OwnerName(props: IProcessTableProps & { owner: Owner }): React.JSX.Element {
  const { owner, onGoTo, trans } = props;
  if (owner.path === null && owner.terminal === null) {
    return <span>{owner.text}</span>;
  }
  return (
    <button
      type="button"
      className="st-Link"
      title={owner.path ?? undefined}
      aria-label={trans.__('Go to %1', owner.text)}
      onClick={() => onGoTo(owner)}
    >
      {owner.text}
    </button>
  );
}
