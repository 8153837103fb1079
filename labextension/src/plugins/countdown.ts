/** Warns of the stop to come in a notification with Keep alive, and in the title of the tab. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Countdown, type IAlarm } from '../countdown';
import { CommandIDs, IStudiolo, TRANSLATION_DOMAIN } from '../tokens';
import type { IStops } from '../wire';
import { countdownSentence, stopReason } from '../words/stops';

export const countdownPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:countdown',
  description: 'Warns in good time that the workspace will be stopped.',
  autoStart: true,
  requires: [IStudiolo],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, studiolo: IStudiolo, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    void app.restored.then(() => new Countdown(studiolo.feed, new Alarm()));

    class Alarm implements IAlarm {
      show(stops: IStops, seconds: number, urgent: boolean): void {
        const sentence = countdownSentence(seconds, trans);
        const text = `${sentence} ${stopReason(stops, trans)}`;
        if (this._id === null || (urgent && !this._urgent)) {
          this.clear();
          this._id = this._emit(text);
        } else if (text !== this._text) {
          // Nothing comes of it when the person has closed it: once is enough.
          Notification.update({ id: this._id, message: text });
        }
        this._text = text;
        this._urgent = urgent;
        this._mark(sentence);
      }

      clear(): void {
        if (this._id !== null) {
          Notification.dismiss(this._id);
          this._id = null;
          this._urgent = false;
          this._mark('');
        }
      }

      private _emit(text: string): string {
        const show = {
          label: trans.__('Details'),
          callback: () => void app.commands.execute(CommandIDs.showPanel)
        };
        const keep = {
          label: trans.__('Keep alive…'),
          callback: () => void app.commands.execute(CommandIDs.keepAlive)
        };
        const offered = app.commands.isEnabled(CommandIDs.keepAlive);
        return Notification.warning(text, {
          autoClose: false,
          actions: offered ? [keep, show] : [show]
        });
      }

      /** In front of what JupyterLab has written there, which it may write anew at any time. */
      private _mark(sentence: string): void {
        const title = document.title.replace(/^⏳ [^·]* · /, '');
        document.title = sentence === '' ? title : `⏳ ${sentence} · ${title}`;
      }

      private _id: string | null = null;
      private _text = '';
      private _urgent = false;
    }
  }
};
