/** Says once for each start that another image runs than the one that was asked for, and why. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs, IStudiolo, TRANSLATION_DOMAIN } from '../tokens';
import type { IWorkspace } from '../wire';
import { fallbackSentence } from '../words/states';
import { firstState } from '../stateFeed';

/** Long enough to be read; the panel and the notification centre keep it. */
const SHOWN_MILLIS = 20000;

/** The start that was told last. */
const TOLD = 'jupyterlab-studiolo:fallback-told';

export const fallbackNoticePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:fallback-notice',
  description: 'Tells that the workspace runs another image than the one that was asked for.',
  autoStart: true,
  requires: [IStudiolo, IStateDB],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    studiolo: IStudiolo,
    stateDB: IStateDB,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const tell = async (): Promise<void> => {
      const { workspace, actions } = await firstState(studiolo.feed);
      const sentence = workspace && fallbackSentence(workspace, trans);
      if (!workspace || !sentence) {
        return;
      }
      const start = startOf(workspace);
      if ((await stateDB.fetch(TOLD)) === start) {
        return;
      }
      await app.restored;
      const action = (label: string, command: string): Notification.IAction => ({
        label,
        callback: () => void app.commands.execute(command)
      });
      Notification.warning(sentence, {
        autoClose: SHOWN_MILLIS,
        actions: [
          action(trans.__('Why?'), CommandIDs.showPanel),
          ...(actions.first_choice.offered && app.commands.hasCommand(CommandIDs.firstChoice)
            ? [action(trans.__('Try again…'), CommandIDs.firstChoice)]
            : [])
        ]
      });
      await stateDB.save(TOLD, start);
    };
    tell().catch((error: unknown) => {
      console.debug('The fallback notice was not shown.', error);
    });
  }
};

/** Tells one start of a workspace from another. */
function startOf(workspace: IWorkspace): string {
  return [workspace.started_at, workspace.image.id, workspace.requested_image?.id].join(' ');
}
