/**
 * The side panel's shell: small, because it is loaded at JupyterLab's start. Its content is loaded
 * when it is first seen, and figures are asked for while it is.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Panel, type Widget } from '@lumino/widgets';
import { gpuIcon } from './icons';
import type { IStudiolo } from './tokens';

export interface IPanelOptions {
  studiolo: IStudiolo;
  trans: TranslationBundle;
  loadContent: () => Promise<Widget>;
}

export class StudioloPanel extends Panel {
  constructor(private readonly _options: IPanelOptions) {
    super();
    const { studiolo, trans } = _options;
    this.id = 'studiolo-panel';
    this.title.icon = gpuIcon;
    this.title.caption = trans.__('GPU and workspace');
    this.addClass('st-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('GPU and workspace'));
    this.node.tabIndex = -1;
    studiolo.settingsChanged.connect(this._onSettings);
  }

  dispose(): void {
    this._end();
    this._options.studiolo.settingsChanged.disconnect(this._onSettings);
    super.dispose();
  }

  protected onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    this.node.focus();
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
    const { studiolo, loadContent } = this._options;
    this._watching ??= studiolo.feed.watch(studiolo.settings.interval);
    if (this._content === null) {
      this._content = loadContent();
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

  private readonly _onSettings = (): void => {
    if (this._watching !== null) {
      const before = this._watching;
      const { studiolo } = this._options;
      this._watching = studiolo.feed.watch(studiolo.settings.interval);
      before.dispose();
    }
  };

  private _watching: IDisposable | null = null;
  private _content: Promise<Widget> | null = null;
}
