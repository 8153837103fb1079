/** Provides what is known of this workspace to the other plugins. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IWorkspaceInfo } from '../tokens';
import { WorkspaceInfo } from '../workspaceInfo';

export const workspacePlugin: JupyterFrontEndPlugin<IWorkspaceInfo> = {
  id: 'jupyterlab-studiolo:workspace',
  description: 'Tells which image and profile this workspace runs.',
  autoStart: true,
  provides: IWorkspaceInfo,
  activate: (app: JupyterFrontEnd) => new WorkspaceInfo(app.serviceManager.serverSettings)
};
