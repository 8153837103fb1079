/** The side panel with the GPUs and the workspace. */

import {
  ILabShell,
  ILabStatus,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { gpuIcon } from '../icons';
import { StudioloPanel } from '../panel';
import { firstState } from '../stateFeed';
import { CommandIDs, IStudiolo, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from '../tokens';
import { localeOf } from '../words/locale';

/** Whether this person has met the panel. */
const INTRODUCED = 'jupyterlab-studiolo:introduced';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:panel',
  description: 'Shows what the GPUs of this workspace do, and what the workspace runs.',
  autoStart: true,
  requires: [IDocumentManager, IStudiolo],
  optional: [
    ILabShell,
    ILabStatus,
    ILayoutRestorer,
    ICommandPalette,
    IStateDB,
    IThemeManager,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    documents: IDocumentManager,
    studiolo: IStudiolo,
    labShell: ILabShell | null,
    status: ILabStatus | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    stateDB: IStateDB | null,
    themes: IThemeManager | null,
    translator: ITranslator | null
  ) => {
    const languages = translator ?? nullTranslator;
    const trans = languages.load(TRANSLATION_DOMAIN);
    const locale = localeOf(languages.languageCode, navigator.languages);
    const { commands } = app;

    const panel = new StudioloPanel({
      studiolo,
      trans,
      loadContent: async () => {
        const { PanelContent } = await import('../panelContent');
        const context = { app, documents, status, studiolo, trans, locale };
        return new PanelContent({ context, themes });
      }
    });
    app.shell.add(panel, 'right', { rank: 150, type: 'Studiolo' });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Show GPU and Workspace'),
      caption: trans.__('Show what the GPU does and when the workspace is stopped'),
      icon: gpuIcon,
      execute: () => {
        // A palette that closes gives the focus back to where it was, and closes after this.
        window.setTimeout(() => app.shell.activateById(panel.id));
      },
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: PALETTE_CATEGORY });

    if (labShell !== null && stateDB !== null) {
      void introduce(labShell, stateDB, studiolo, panel.id);
    }
  }
};

/** Opens the panel once in a person's first workspace; from then on it is where they leave it. */
async function introduce(
  labShell: ILabShell,
  stateDB: IStateDB,
  studiolo: IStudiolo,
  id: string
): Promise<void> {
  try {
    const [state, introduced] = await Promise.all([
      firstState(studiolo.feed),
      stateDB.fetch(INTRODUCED),
      labShell.restored
    ]);
    if (state.workspace !== null && introduced !== true) {
      labShell.activateById(id);
      await stateDB.save(INTRODUCED, true);
    }
  } catch (error) {
    console.debug('The GPU panel was not introduced.', error);
  }
}
