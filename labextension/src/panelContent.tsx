/** Joins the models to the view: a widget that draws again when something has changed. */

import type { IThemeManager } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { IActionContext } from './actions';
import { PastModel } from './pastModel';
import { CommandIDs } from './tokens';
import type { IKernel } from './wire';
import { type IPanelActions, PanelView } from './view/panelView';
import type { Owner } from './view/processTable';
import { secondsLeft } from './words/stops';

export interface IPanelContentOptions {
  context: IActionContext;
  themes: IThemeManager | null;
}

export class PanelContent extends ReactWidget {
  constructor(private readonly _options: IPanelContentOptions) {
    super();
    const { context, themes } = _options;
    const { app, studiolo } = context;
    this.addClass('st-Panel-body');
    this._past = new PastModel(
      studiolo.feed,
      app.serviceManager.serverSettings,
      studiolo.settings.span
    );
    this._actions = actionsOf(context);
    studiolo.feed.changed.connect(this._onChange);
    studiolo.settingsChanged.connect(this._onChange);
    // Charts are drawn in the theme's colours.
    themes?.themeChanged.connect(this._onChange);
  }

  dispose(): void {
    const { context, themes } = this._options;
    context.studiolo.feed.changed.disconnect(this._onChange);
    context.studiolo.settingsChanged.disconnect(this._onChange);
    themes?.themeChanged.disconnect(this._onChange);
    window.clearTimeout(this._timer);
    this._past.dispose();
    super.dispose();
  }

  protected render(): React.JSX.Element {
    const { studiolo, trans, locale } = this._options.context;
    const { feed, settings } = studiolo;
    return (
      <PanelView
        state={feed.state}
        away={feed.error !== null}
        now={feed.now()}
        history={this._past.history}
        settings={settings}
        actions={this._actions}
        trans={trans}
        locale={locale}
      />
    );
  }

  private readonly _onChange = (): void => {
    const { feed, settings } = this._options.context.studiolo;
    this._past.show(settings.span);
    this.update();
    // While the clock runs down, each second is shown.
    window.clearTimeout(this._timer);
    const { state } = feed;
    if (state !== null && secondsLeft(state.stops, feed.now()) !== null && this.isVisible) {
      this._timer = window.setTimeout(() => this._onChange(), 1000);
    }
  };

  private readonly _past: PastModel;
  private readonly _actions: IPanelActions;
  private _timer = 0;
}

/** What the panel's buttons do; the dialogs are loaded with the first of them. */
function actionsOf(context: IActionContext): IPanelActions {
  const { app, documents, studiolo } = context;
  const { commands } = app;
  const run = (command: string): (() => void) => {
    return () => void commands.execute(command);
  };
  return {
    inHub: commands.hasCommand(CommandIDs.stop),
    stop: run(CommandIDs.stop),
    park: run(CommandIDs.park),
    restart: run(CommandIDs.restart),
    firstChoice: run(CommandIDs.firstChoice),
    keepAlive: () => void import('./actions').then(actions => actions.keepAlive(context)),
    stopKernel: (kernel: IKernel) =>
      void import('./actions').then(actions => actions.stopKernel(context, kernel)),
    goTo: (owner: Owner) => {
      if (owner.path !== null) {
        documents.openOrReveal(owner.path);
      } else if (owner.terminal !== null) {
        void commands.execute('terminal:open', { name: owner.terminal });
      }
    },
    showSpan: span => studiolo.set('span', span)
  };
}
