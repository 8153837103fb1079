/** Names and services that plugins share. No behaviour. */

import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { IActions } from './wire';
import type { ISettings } from './settings';
import type { StateFeed } from './stateFeed';

/** Every command of this extension. */
export namespace CommandIDs {
  export const showPanel = 'studiolo:show-panel';
  export const stop = 'studiolo:stop-workspace';
  export const keepAlive = 'studiolo:keep-alive';
  export const park = 'studiolo:park-gpu';
  export const restart = 'studiolo:restart-with-profile';
  export const firstChoice = 'studiolo:first-choice';
}

/** What can be done with the workspace, by the names that the server gives them. */
export type Action = keyof IActions;

/** The domain of this extension's translations. */
export const TRANSLATION_DOMAIN = 'jupyterlab_studiolo';

/** The category of its commands in the palette. */
export const PALETTE_CATEGORY = 'Studiolo';

/** What is known of this workspace, and what a person has set. */
export interface IStudiolo {
  readonly feed: StateFeed;
  /** The settings; the defaults until they are loaded, and where there is no settings editor. */
  readonly settings: ISettings;
  readonly settingsChanged: ISignal<IStudiolo, void>;
  /** Keeps one setting for this person. */
  set<K extends keyof ISettings>(key: K, value: ISettings[K]): void;
}

export const IStudiolo = new Token<IStudiolo>(
  'jupyterlab-studiolo:IStudiolo',
  'The state of this workspace as its server tells it, and the settings of what shows it.'
);
