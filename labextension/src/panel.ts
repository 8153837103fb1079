/**
 * The side panel's shell: small, because it is loaded at JupyterLab's start. Its content is loaded
 * when it is first seen, and figures are asked for while it is.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Panel, type Widget } from '@lumino/widgets';
import type { GpuModel } from './gpuModel';
import { gpuIcon } from './icons';

export interface IPanelOptions {
  model: GpuModel;
  trans: TranslationBundle;
  loadContent: () => Promise<Widget>;
}

export class StudioloPanel extends Panel {
  constructor(private readonly _options: IPanelOptions) {
    super();
    const { trans } = _options;
    this.id = 'studiolo-panel';
    this.title.icon = gpuIcon;
    this.title.caption = trans.__('GPU and workspace');
    this.addClass('st-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('GPU and workspace'));
  }

  dispose(): void {
    this._watching?.dispose();
    super.dispose();
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._begin();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._begin();
    }
  }

  protected onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._end();
  }

  protected onBeforeDetach(msg: Message): void {
    this._end();
    super.onBeforeDetach(msg);
  }

  private _begin(): void {
    this._watching ??= this._options.model.watch();
    if (this._content === null) {
      this._content = this._options.loadContent();
      this._content.then(
        content => this.addWidget(content),
        (error: unknown) => {
          console.error('The GPU panel could not be loaded.', error);
          this._content = null; // the next look tries again
        }
      );
    }
  }

  private _end(): void {
    this._watching?.dispose();
    this._watching = null;
  }

  private _watching: IDisposable | null = null;
  private _content: Promise<Widget> | null = null;
}
