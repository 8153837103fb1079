/** The side panel with the GPUs and the workspace. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { GpuModel } from '../gpuModel';
import { gpuIcon } from '../icons';
import { StudioloPanel } from '../panel';
import { CommandIDs, IWorkspaceInfo, TRANSLATION_DOMAIN } from '../tokens';

/** Whether this person has met the panel. */
const INTRODUCED = 'jupyterlab-studiolo:introduced';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-studiolo:panel',
  description: 'Shows what the GPUs of this workspace do, and what the workspace runs.',
  autoStart: true,
  requires: [IWorkspaceInfo],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workspace: IWorkspaceInfo,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    stateDB: IStateDB | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const locale = (translator ?? nullTranslator).languageCode.replace('_', '-');
    const model = new GpuModel({ settings: app.serviceManager.serverSettings });
    const { commands } = app;

    const panel = new StudioloPanel({
      model,
      trans,
      loadContent: async () => {
        const { PanelContent } = await import('../view/panelContent');
        const onStop = commands.hasCommand(CommandIDs.stop)
          ? () => void commands.execute(CommandIDs.stop)
          : null;
        return new PanelContent({ model, workspace, onStop, trans, locale });
      }
    });
    panel.disposed.connect(() => model.dispose());
    app.shell.add(panel, 'right', { rank: 150, type: 'Studiolo' });
    restorer?.add(panel, panel.id);

    commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Show GPU and Workspace'),
      caption: trans.__('Show what the GPU does and when the workspace is stopped'),
      icon: gpuIcon,
      execute: () => app.shell.activateById(panel.id),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: 'Studiolo' });

    if (labShell !== null && stateDB !== null) {
      void introduce(labShell, stateDB, workspace, panel.id);
    }
  }
};

/** Opens the panel once in a person's first workspace; from then on it is where they leave it. */
async function introduce(
  labShell: ILabShell,
  stateDB: IStateDB,
  workspace: IWorkspaceInfo,
  id: string
): Promise<void> {
  try {
    const [reply, introduced] = await Promise.all([
      workspace.get(),
      stateDB.fetch(INTRODUCED),
      labShell.restored
    ]);
    if (reply.workspace !== null && introduced !== true) {
      labShell.activateById(id);
      await stateDB.save(INTRODUCED, true);
    }
  } catch (error) {
    console.debug('The GPU panel was not introduced.', error);
  }
}
