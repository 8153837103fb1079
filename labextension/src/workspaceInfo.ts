/** Asks the server once what this workspace is, for all who want to know. */

import type { ServerConnection } from '@jupyterlab/services';
import { request } from './request';
import type { IWorkspaceInfo } from './tokens';
import { type IWorkspaceReply, parseWorkspace } from './wire';

export class WorkspaceInfo implements IWorkspaceInfo {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  get(): Promise<IWorkspaceReply> {
    this._reply ??= this._ask();
    return this._reply;
  }

  private async _ask(): Promise<IWorkspaceReply> {
    try {
      return parseWorkspace(await request('workspace', this._settings));
    } catch (error) {
      this._reply = null;
      throw error;
    }
  }

  private _reply: Promise<IWorkspaceReply> | null = null;
}
