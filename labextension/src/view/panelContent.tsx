/** Joins the models to the view: a widget that draws again when the figures change. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { GpuModel } from '../gpuModel';
import type { IWorkspaceInfo } from '../tokens';
import type { IWorkspaceReply } from '../wire';
import { PanelView } from './panelView';

export interface IPanelContentOptions {
  model: GpuModel;
  workspace: IWorkspaceInfo;
  onStop: (() => void) | null;
  trans: TranslationBundle;
  locale?: string;
}

export class PanelContent extends ReactWidget {
  constructor(private readonly _options: IPanelContentOptions) {
    super();
    this.addClass('st-Panel-body');
    _options.model.changed.connect(this._onChanged);
    this._askWorkspace();
  }

  dispose(): void {
    this._options.model.changed.disconnect(this._onChanged);
    super.dispose();
  }

  protected render(): React.JSX.Element {
    const { model, onStop, trans, locale } = this._options;
    return (
      <PanelView
        reply={model.reply}
        error={model.error}
        history={model.history}
        workspace={this._workspace}
        onStop={onStop}
        trans={trans}
        locale={locale}
      />
    );
  }

  private readonly _onChanged = (): void => {
    if (this._workspace === null && this._options.model.error === null) {
      this._askWorkspace();
    }
    this.update();
  };

  private _askWorkspace(): void {
    this._options.workspace.get().then(
      reply => {
        this._workspace = reply;
        this.update();
      },
      () => {
        // The figures' own question fails too then, and the panel says so; this one is asked again
        // with their next answer.
      }
    );
  }

  private _workspace: IWorkspaceReply | null = null;
}
