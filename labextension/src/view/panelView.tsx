/** The panel's content, from what the models know. No I/O; loaded when the panel is first seen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ISettings, Span } from '../settings';
import type { IHistory, IKernel, IState } from '../wire';
import { deviceLabel } from '../words/devices';
import { awayNotice, isCalm, loadingNotice, stateNotice } from '../words/states';
import { stopPromise } from '../words/stops';
import { CountdownBanner } from './countdown';
import { GpuCard } from './gpuCard';
import { MachineCard } from './machineCard';
import { Notice, Warnings } from './notice';
import { type Owner, ProcessTable } from './processTable';
import { SpanChoice } from './spanChoice';
import { Fallback, WorkspaceCard } from './workspaceCard';

/** What the buttons do. Those that end something ask first. */
export interface IPanelActions {
  /** Whether there is a hub that could do anything. */
  inHub: boolean;
  stop: () => void;
  park: () => void;
  restart: () => void;
  firstChoice: () => void;
  keepAlive: () => void;
  stopKernel: (kernel: IKernel) => void;
  goTo: (owner: Owner) => void;
  showSpan: (span: Span) => void;
}

export interface IPanelViewProps {
  state: IState | null;
  /** Whether nothing answers at present. */
  away: boolean;
  /** What the server's clock says. */
  now: number;
  history: IHistory;
  settings: ISettings;
  actions: IPanelActions;
  trans: TranslationBundle;
  locale?: string;
}

export function PanelView(props: IPanelViewProps): React.JSX.Element {
  const { state, away, now, settings, actions, trans, locale } = props;
  const workspace = state?.workspace ?? null;
  return (
    <>
      {actions.inHub && <Actions {...props} />}
      <div className="st-Panel-content">
        {state !== null && !away && (
          <CountdownBanner
            state={state}
            now={now}
            onKeepAlive={actions.keepAlive}
            trans={trans}
            locale={locale}
          />
        )}
        {workspace !== null && (
          <Fallback
            workspace={workspace}
            onRetry={
              actions.inHub && state?.actions.first_choice.offered ? actions.firstChoice : null
            }
            trans={trans}
          />
        )}
        {away && <Notice kind="warning" notice={awayNotice(trans)} />}
        {!away && state === null && <Notice kind="plain" notice={loadingNotice(trans)} />}
        {!away && state !== null && (
          <>
            <Warnings warnings={state.warnings} />
            {settings.show.charts && (
              <SpanChoice span={settings.span} onChoose={actions.showSpan} trans={trans} />
            )}
            <Gpus {...props} state={state} />
            {settings.show.system && <MachineCard {...props} machine={state.machine} />}
            {settings.show.processes && state.gpus.devices.length > 0 && (
              <ProcessTable
                gpus={state.gpus}
                kernels={state.kernels}
                onGoTo={actions.goTo}
                onStopKernel={actions.stopKernel}
                trans={trans}
              />
            )}
          </>
        )}
        {state !== null && workspace !== null && (
          <WorkspaceCard
            state={state}
            workspace={workspace}
            now={now}
            trans={trans}
            locale={locale}
          />
        )}
      </div>
    </>
  );
}

function Actions({ state, actions, trans }: IPanelViewProps): React.JSX.Element {
  const offers = state?.actions;
  return (
    <div className="st-Actions" role="group" aria-label={trans.__('Workspace')}>
      <button
        type="button"
        className="jp-mod-styled jp-mod-reject st-Button"
        onClick={actions.stop}
        title={stopPromise(state?.workspace ?? null, trans)}
      >
        {trans.__('Stop workspace…')}
      </button>
      {offers?.park.offered && (
        <button type="button" className="jp-mod-styled st-Button" onClick={actions.park}>
          {trans.__('Park the GPU…')}
        </button>
      )}
      {offers?.restart.offered && (
        <button type="button" className="jp-mod-styled st-Button" onClick={actions.restart}>
          {trans.__('Other profile…')}
        </button>
      )}
    </div>
  );
}

function Gpus(props: IPanelViewProps & { state: IState }): React.JSX.Element {
  const { state, history, settings, now, trans, locale } = props;
  const { gpus } = state;
  if (gpus.devices.length === 0) {
    return (
      <Notice kind={isCalm(gpus.state) ? 'plain' : 'warning'} notice={stateNotice(gpus, trans)} />
    );
  }
  return (
    <>
      {gpus.state !== 'ok' && <Notice kind="warning" notice={stateNotice(gpus, trans)} />}
      {gpus.devices.map(device => (
        <GpuCard
          key={device.id}
          device={device}
          label={deviceLabel(device, gpus.devices, trans)}
          driver={gpus.driver_version}
          history={history}
          settings={settings}
          now={now}
          trans={trans}
          locale={locale}
        />
      ))}
    </>
  );
}
