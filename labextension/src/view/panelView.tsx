/** The panel's content, from what the models know. No I/O; loaded when the panel is first seen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { stateNotice } from '../format';
import type { IGpusReply, IHistory, IWorkspaceReply } from '../wire';
import { GpuCard } from './gpuCard';
import { Notice } from './notice';
import { WorkspaceCard } from './workspaceCard';

export interface IPanelViewProps {
  reply: IGpusReply | null;
  /** Why the last question had no answer. */
  error: Error | null;
  history: IHistory;
  seconds: number;
  workspace: IWorkspaceReply | null;
  /** Asks for confirmation and stops; null where there is no hub. */
  onStop: (() => void) | null;
  trans: TranslationBundle;
  locale?: string;
}

export function PanelView(props: IPanelViewProps): React.JSX.Element {
  const { trans, workspace, onStop } = props;
  return (
    <div className="st-Panel-content">
      <Gpus {...props} />
      {workspace?.workspace && (
        <WorkspaceCard workspace={workspace.workspace} trans={trans} locale={props.locale} />
      )}
      {onStop !== null && (
        <div className="st-Actions">
          <button type="button" className="jp-mod-styled jp-mod-warn st-Stop" onClick={onStop}>
            {trans.__('Stop workspace …')}
          </button>
          <p className="st-Rule">{trans.__('Gives the GPU back. Your files are kept.')}</p>
        </div>
      )}
    </div>
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
  return (
    <>
      {reply.devices.map(device => (
        <GpuCard
          key={device.id}
          device={device}
          history={props.history}
          seconds={props.seconds}
          trans={trans}
        />
      ))}
    </>
  );
}
