/** The whole workspace in a few words, for the status bar. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDevice, IState } from '../wire';
import { memory, percent, UNKNOWN } from './figures';
import { isCalm, stateNotice } from './states';
import { countdownSentence, secondsLeft } from './stops';

export interface ISummary {
  /** As short as can be. */
  text: string;
  /** The same in a sentence, for a tooltip and for those who do not see it. */
  title: string;
  alarm: boolean;
}

/** Nothing is said before the first answer; `away` when there is none at present. */
export function summaryOf(
  state: IState | null,
  away: boolean,
  now: number,
  trans: TranslationBundle
): ISummary | null {
  if (away) {
    const text = trans.__('Workspace does not answer');
    return { text, title: text, alarm: true };
  }
  if (state === null) {
    return null;
  }
  const left = secondsLeft(state.stops, now);
  if (left !== null) {
    const title = countdownSentence(left, trans);
    const minutes = Math.floor(left / 60);
    const text =
      minutes < 1 ? trans.__('Stops in < 1 min') : trans.__('Stops in %1 min', String(minutes));
    return { text, title, alarm: true };
  }
  return deviceSummary(state, trans);
}

function deviceSummary(state: IState, trans: TranslationBundle): ISummary {
  const { devices } = state.gpus;
  const lost = devices.filter(device => device.condition !== 'ok');
  const [problem] = lost;
  if (problem !== undefined) {
    return {
      text: trans._n('%1 GPU lost', '%1 GPUs lost', lost.length),
      title: problem.problem,
      alarm: true
    };
  }
  if (devices.length === 0 && !isCalm(state.gpus.state)) {
    const { heading, message } = stateNotice(state.gpus, trans);
    return { text: heading, title: message || heading, alarm: true };
  }
  return devices.length === 0 ? machineSummary(state, trans) : figures(devices, trans);
}

function figures(devices: readonly IDevice[], trans: TranslationBundle): ISummary {
  const name = devices.length === 1 ? trans.__('GPU') : trans.__('%1 GPUs', devices.length);
  const load = percent(mean(devices.map(device => device.figures.utilisation_percent)));
  const held = memory(
    sum(devices.map(device => device.figures.memory_used_bytes)),
    sum(devices.map(device => device.figures.memory_total_bytes)),
    trans
  );
  return {
    text: [name, load === UNKNOWN ? '' : load, '·', held].filter(Boolean).join(' '),
    title:
      load === UNKNOWN
        ? trans.__('%1: memory %2', name, held)
        : trans.__('%1: utilisation %2, memory %3', name, load, held),
    alarm: false
  };
}

function machineSummary({ machine }: IState, trans: TranslationBundle): ISummary {
  const load = percent(machine.cpu.percent);
  const held = memory(machine.memory.used_bytes, machine.memory.limit_bytes, trans);
  return {
    text: [trans.__('CPU'), load === UNKNOWN ? '' : load, '·', held].filter(Boolean).join(' '),
    title: trans.__('CPU %1, memory %2; no GPU in this workspace', load, held),
    alarm: false
  };
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter(value => value !== null);
}

function sum(values: readonly (number | null)[]): number | null {
  const there = known(values);
  return there.length === 0 ? null : there.reduce((total, value) => total + value, 0);
}

function mean(values: readonly (number | null)[]): number | null {
  const total = sum(values);
  return total === null ? null : total / known(values).length;
}
