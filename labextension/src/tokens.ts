/** Names and services that plugins share. No behaviour. */

import { Token } from '@lumino/coreutils';
import type { IWorkspaceReply } from './wire';

/** Every command of this extension. */
export namespace CommandIDs {
  export const showPanel = 'studiolo:show-panel';
  export const stop = 'studiolo:stop-workspace';
}

/** The domain of this extension's translations. */
export const TRANSLATION_DOMAIN = 'jupyterlab_studiolo';

/** Tells what this workspace is. It does not change while its server runs. */
export interface IWorkspaceInfo {
  /** Asks once and remembers; a failure is asked again by the next caller. */
  get(): Promise<IWorkspaceReply>;
}

export const IWorkspaceInfo = new Token<IWorkspaceInfo>(
  'jupyterlab-studiolo:IWorkspaceInfo',
  'Tells which image and profile this workspace runs, and by which rules it is stopped.'
);
