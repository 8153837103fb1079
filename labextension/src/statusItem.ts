/** The compact item: a button with a few words that opens the panel. Plain DOM, for it is always there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { IStudiolo } from './tokens';
import { summaryOf } from './words/summary';

/** Often enough for a glance; whoever wants to know more opens the panel. */
const WATCH_SECONDS = 10;

export interface IStatusItemOptions {
  studiolo: IStudiolo;
  onOpen: () => void;
  trans: TranslationBundle;
}

export class StatusItem extends Widget {
  constructor(private readonly _options: IStatusItemOptions) {
    super();
    this.addClass('st-Status');
    this._button.type = 'button';
    this._button.className = 'st-Status-button';
    this._button.addEventListener('click', _options.onOpen);
    this.node.append(this._button);
    const { studiolo } = _options;
    studiolo.feed.changed.connect(this._draw);
    studiolo.settingsChanged.connect(this._onSettings);
    this._draw();
  }

  dispose(): void {
    this._watching?.dispose();
    this._watching = null;
    const { studiolo } = this._options;
    studiolo.feed.changed.disconnect(this._draw);
    studiolo.settingsChanged.disconnect(this._onSettings);
    super.dispose();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._onSettings();
  }

  protected onBeforeDetach(msg: Message): void {
    this._watching?.dispose();
    this._watching = null;
    super.onBeforeDetach(msg);
  }

  private readonly _onSettings = (): void => {
    const { feed, settings } = this._options.studiolo;
    this._watching?.dispose();
    this._watching = settings.statusBar
      ? feed.watch(Math.max(WATCH_SECONDS, settings.interval))
      : null;
    this._draw();
  };

  private readonly _draw = (): void => {
    const { studiolo, trans } = this._options;
    const { feed, settings } = studiolo;
    const summary = summaryOf(feed.state, feed.error !== null, feed.now(), trans);
    this.node.hidden = summary === null || !settings.statusBar;
    if (summary !== null && this._button.textContent !== summary.text) {
      this._button.textContent = summary.text;
    }
    if (summary !== null) {
      this._button.title = summary.title;
      this._button.setAttribute('aria-label', trans.__('%1. Show the panel', summary.title));
      this._button.dataset.alarm = String(summary.alarm);
    }
  };

  private readonly _button = document.createElement('button');
  private _watching: IDisposable | null = null;
}
