/** The command that stops the workspace. Outside a hub it does not exist, and neither does its button. */

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
import { CommandIDs, IWorkspaceInfo, TRANSLATION_DOMAIN } from '../tokens';

/** Just above the hub's own entries at the end of the File menu. */
const FILE_MENU_RANK = 99;

export const stopPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:stop',
  description: 'Stops the workspace through the hub, after a question.',
  autoStart: true,
  requires: [IDocumentManager, IWorkspaceInfo],
  optional: [ILabStatus, ICommandPalette, IMainMenu, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    workspace: IWorkspaceInfo,
    status: ILabStatus | null,
    palette: ICommandPalette | null,
    mainMenu: IMainMenu | null,
    translator: ITranslator | null
  ) => {
    if (PageConfig.getOption('hubPrefix') === '') {
      return;
    }
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    app.commands.addCommand(CommandIDs.stop, {
      label: trans.__('Stop Workspace…'),
      caption: trans.__('Give the GPU back; your files are kept'),
      // Arguments are not looked at: nobody but the person at the dialog answers it.
      execute: async () => {
        const { stopWorkspace } = await import('../stop');
        await stopWorkspace({ app, documents, status, workspace, trans });
      },
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: CommandIDs.stop, category: 'Studiolo' });
    mainMenu?.fileMenu.addGroup([{ command: CommandIDs.stop }], FILE_MENU_RANK);
  }
};
