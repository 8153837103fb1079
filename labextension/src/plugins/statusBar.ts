/** The compact item in the status bar; where there is none (Notebook 7), beside the menu. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { StatusItem } from '../statusItem';
import { CommandIDs, IStudiolo, TRANSLATION_DOMAIN } from '../tokens';

const ID = 'studiolo-status';

export const statusBarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:status-bar',
  description: 'Shows in a few words what the GPUs do, and opens the panel.',
  autoStart: true,
  requires: [IStudiolo],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    studiolo: IStudiolo,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const item = new StatusItem({
      studiolo,
      trans: (translator ?? nullTranslator).load(TRANSLATION_DOMAIN),
      onOpen: () => void app.commands.execute(CommandIDs.showPanel)
    });
    item.id = ID;
    if (statusBar !== null) {
      statusBar.registerStatusItem(ID, { item, align: 'left', rank: 100 });
    } else {
      app.shell.add(item, 'menu', { rank: 1000 });
    }
  }
};
