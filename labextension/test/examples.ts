/** The examples of the wire formats, which the server's tests read too. */

import { nullTranslator } from '@jupyterlab/translation';
import choices from '../../tests/contract/choices.json';
import histories from '../../tests/contract/history.json';
import states from '../../tests/contract/state.json';
import {
  type IChoices,
  type IHistory,
  type IState,
  parseChoices,
  parseHistory,
  parseState
} from '../src/wire';

export const trans = nullTranslator.load('jupyterlab_studiolo');

export const stateExamples: Readonly<Record<string, unknown>> = states;
export const historyExamples: Readonly<Record<string, unknown>> = histories;
export const choicesExamples: Readonly<Record<string, unknown>> = choices;

export type StateName = keyof typeof states;

export const TWO_GPUS = 'two GPUs at work, a notebook and a terminal';
export const NEAR_ITS_STOP =
  'an idle notebook holds a shared GPU after a fallback, and the stop is near';
export const NO_HUB = 'outside a hub, no GPU';
export const MIG_AND_LOST = 'a MIG slice, a lost GPU, kept alive, near its longest run';

/** When the examples were taken (Unix seconds). */
export const NOW = 1772357404;

export function stateExample(name: StateName, change: Partial<IState> = {}): IState {
  return { ...parseState(states[name]), ...change };
}

export function historyExample(name: keyof typeof histories): IHistory {
  return parseHistory(histories[name]);
}

export function choicesExample(name: keyof typeof choices): IChoices {
  return parseChoices(choices[name]);
}
