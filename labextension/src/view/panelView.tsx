/** The panel's content, from what the models know. No I/O; loaded when the panel is first seen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { duration, stateNotice, stopPromise } from '../format';
import { spanOf } from '../history';
import type { IGpusReply, IHistory, IWorkspaceReply } from '../wire';
import { GpuCard } from './gpuCard';
import { Notice } from './notice';
import { Fallback, WorkspaceCard } from './workspaceCard';

export interface IPanelViewProps {
  reply: IGpusReply | null;
  /** Why the last question had no answer. */
  error: Error | null;
  history: IHistory;
  workspace: IWorkspaceReply | null;
  /** Asks for confirmation and stops; null where there is no hub. */
  onStop: (() => void) | null;
  trans: TranslationBundle;
  locale?: string;
}

export function PanelView(props: IPanelViewProps): React.JSX.Element {
  const { trans, workspace, onStop } = props;
  return (
    <>
      {onStop !== null && (
        <div className="st-Actions">
          <button type="button" className="jp-mod-styled jp-mod-reject st-Stop" onClick={onStop}>
            {trans.__('Stop workspace…')}
          </button>
          <p className="st-Rule">{stopPromise(workspace?.workspace ?? null, trans)}</p>
        </div>
      )}
      <div className="st-Panel-content">
        {workspace?.workspace && <Fallback workspace={workspace.workspace} trans={trans} />}
        <Gpus {...props} />
        {workspace?.workspace && (
          <WorkspaceCard workspace={workspace.workspace} trans={trans} locale={props.locale} />
        )}
      </div>
    </>
  );
}

function Gpus(props: IPanelViewProps): React.JSX.Element {
  const { reply, error, trans } = props;
  if (error !== null) {
    return (
      <Notice
        kind="warning"
        notice={{
          heading: trans.__('The workspace does not answer'),
          message: trans.__('It is asked again by itself.'),
          hint: trans.__('If it was stopped, start it again on the hub’s home page.')
        }}
      />
    );
  }
  if (reply === null) {
    const heading = trans.__('Asking the GPU driver …');
    return <Notice kind="plain" notice={{ heading, message: '', hint: '' }} />;
  }
  if (reply.devices.length === 0) {
    const calm = ['starting', 'no_gpu', 'unsupported_vendor'].includes(reply.state);
    return <Notice kind={calm ? 'plain' : 'warning'} notice={stateNotice(reply, trans)} />;
  }
  const seconds = spanOf(props.history);
  return (
    <>
      {reply.devices.map(device => (
        <GpuCard
          key={device.id}
          device={device}
          history={props.history}
          seconds={seconds}
          trans={trans}
        />
      ))}
      <p className="st-Rule">{trans.__('Charts show the last %1.', duration(seconds, trans))}</p>
    </>
  );
}
