/**
 * The commands that do something with the workspace, in the palette and the File menu. Outside a hub
 * they do not exist. Every one asks in a dialog; arguments are not looked at: nobody but the person
 * at the dialog decides.
 */

import {
  ILabStatus,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type * as Actions from '../actions';
import {
  type Action,
  CommandIDs,
  IStudiolo,
  PALETTE_CATEGORY,
  TRANSLATION_DOMAIN
} from '../tokens';
import { localeOf } from '../words/locale';

/** Just above the hub's own entries at the end of the File menu. */
const FILE_MENU_RANK = 99;

export const actionsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:actions',
  description: 'Stops, parks, restarts or keeps the workspace alive, after a question.',
  autoStart: true,
  requires: [IDocumentManager, IStudiolo],
  optional: [ILabStatus, ICommandPalette, IMainMenu, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    studiolo: IStudiolo,
    status: ILabStatus | null,
    palette: ICommandPalette | null,
    mainMenu: IMainMenu | null,
    translator: ITranslator | null
  ) => {
    if (PageConfig.getOption('hubPrefix') === '') {
      return;
    }
    const languages = translator ?? nullTranslator;
    const trans = languages.load(TRANSLATION_DOMAIN);
    const locale = localeOf(languages.languageCode, navigator.languages);
    const context: Actions.IActionContext = { app, documents, status, studiolo, trans, locale };

    const add = (
      id: string,
      action: Action,
      label: string,
      caption: string,
      run: (actions: typeof Actions) => Promise<void>
    ): { command: string } => {
      app.commands.addCommand(id, {
        label,
        // Why it cannot be done stands where what it does stands otherwise.
        caption: () => studiolo.feed.state?.actions[action].reason ?? caption,
        isEnabled: () => studiolo.feed.state?.actions[action].offered ?? true,
        execute: async () => run(await import('../actions')),
        describedBy: { args: { type: 'object', properties: {} } }
      });
      palette?.addItem({ command: id, category: PALETTE_CATEGORY });
      return { command: id };
    };

    const items = [
      add(
        CommandIDs.keepAlive,
        'keep_alive',
        trans.__('Keep Workspace Alive…'),
        trans.__('Hold off the stop for being idle'),
        actions => actions.askKeepAlive(context)
      ),
      add(
        CommandIDs.firstChoice,
        'first_choice',
        trans.__('Try My First Choice Again…'),
        trans.__('Restart with the image that was chosen first'),
        actions => actions.tryFirstChoice(context)
      ),
      add(
        CommandIDs.restart,
        'restart',
        trans.__('Restart with Another Profile…'),
        trans.__('Restart on another GPU or none; your files are kept'),
        actions => actions.restartWithProfile(context)
      ),
      add(
        CommandIDs.park,
        'park',
        trans.__('Park the GPU…'),
        trans.__('Give the GPU back and go on without one; your files are kept'),
        actions => actions.parkGpu(context)
      ),
      add(
        CommandIDs.stop,
        'stop',
        trans.__('Stop Workspace…'),
        trans.__('Give the GPU back; your files are kept'),
        actions => actions.stopWorkspace(context)
      )
    ];
    mainMenu?.fileMenu.addGroup(items, FILE_MENU_RANK);
    let before = '';
    studiolo.feed.changed.connect(({ state }) => {
      const now = JSON.stringify(state?.actions);
      if (now !== before) {
        before = now;
        items.forEach(({ command }) => app.commands.notifyCommandChanged(command));
      }
    });
  }
};
