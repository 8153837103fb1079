/** The past of the figures on this side: what the server sent, joined and cut to a window. Pure. */

import { type Column, HISTORY_FIGURES, type HistoryFigure, type IHistory } from './wire';

export const EMPTY_HISTORY: IHistory = { times: [], devices: {} };

/** `old` and then `next`, without what is older than `seconds` before the newest point. */
export function joinHistory(old: IHistory, next: IHistory, seconds: number): IHistory {
  const newest = next.times.at(-1) ?? old.times.at(-1) ?? 0;
  const last = old.times.at(-1) ?? -Infinity;
  // The server sends what is newer than we said; after a restart it may send anything.
  const fresh = next.times.findIndex(time => time > last);
  const from = fresh === -1 ? next.times.length : fresh;
  const kept = old.times.findIndex(time => time >= newest - seconds);
  const drop = kept === -1 ? old.times.length : kept;

  const join = (before: Column | undefined, after: Column | undefined): Column => [
    ...(before ?? blank(old.times.length)).slice(drop),
    ...(after ?? blank(next.times.length)).slice(from)
  ];
  const devices: Record<string, Record<HistoryFigure, Column>> = {};
  for (const id of new Set([...Object.keys(old.devices), ...Object.keys(next.devices)])) {
    const columns = {} as Record<HistoryFigure, Column>;
    for (const figure of HISTORY_FIGURES) {
      columns[figure] = join(old.devices[id]?.[figure], next.devices[id]?.[figure]);
    }
    if (HISTORY_FIGURES.some(figure => columns[figure].some(value => value !== null))) {
      devices[id] = columns;
    }
  }
  return { times: [...old.times.slice(drop), ...next.times.slice(from)], devices };
}

/** The spans that charts are drawn over. */
const SPANS = [60, 120, 300, 600, 1800, 3600];

/** The smallest span that shows the whole past: a young workspace's charts are not mostly empty. */
export function spanOf(history: IHistory): number {
  const age = (history.times.at(-1) ?? 0) - (history.times.at(0) ?? 0);
  return SPANS.find(span => age <= span) ?? age;
}

function blank(length: number): Column {
  return new Array<null>(length).fill(null);
}
