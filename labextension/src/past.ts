/** The past of the figures on this side: what the server sent, and what has come since. Pure. */

import {
  type Column,
  type IHistory,
  type IState,
  type MachineFigure,
  PAST_FIGURES,
  type PastFigure
} from './wire';

export const NO_HISTORY: IHistory = {
  spacing_seconds: 0,
  times: [],
  devices: {},
  machine: { cpu_percent: [], memory_used_bytes: [] }
};

/**
 * The history with a state at its end, without what is older than `seconds`. A state that follows
 * the last point more closely than the history's spacing is left out, unless nothing would be lost.
 */
export function append(history: IHistory, state: IState, seconds: number): IHistory {
  const time = state.gpus.devices.length > 0 ? state.gpus.sampled_at : state.at;
  const last = history.times.at(-1) ?? -Infinity;
  // A tenth of tolerance: a timer that fires a little early must not halve the rate.
  if (time - last < Math.max(0.1, history.spacing_seconds * 0.9)) {
    return history;
  }
  const kept = history.times.findIndex(point => point >= time - seconds);
  const drop = kept === -1 ? history.times.length : kept;
  const join = (column: Column | undefined, value: number | null): Column => [
    ...(column ?? new Array<null>(history.times.length).fill(null)).slice(drop),
    value
  ];

  const now = new Map(state.gpus.devices.map(device => [device.id, device.figures]));
  const devices: Record<string, Record<PastFigure, Column>> = {};
  for (const id of new Set([...Object.keys(history.devices), ...now.keys()])) {
    const columns = {} as Record<PastFigure, Column>;
    for (const name of PAST_FIGURES) {
      columns[name] = join(history.devices[id]?.[name], now.get(id)?.[name] ?? null);
    }
    if (now.has(id) || PAST_FIGURES.some(name => columns[name].some(value => value !== null))) {
      devices[id] = columns;
    }
  }
  const machine: Record<MachineFigure, Column> = {
    cpu_percent: join(history.machine.cpu_percent, state.machine.cpu.percent),
    memory_used_bytes: join(history.machine.memory_used_bytes, state.machine.memory.used_bytes)
  };
  return { ...history, times: [...history.times.slice(drop), time], devices, machine };
}
