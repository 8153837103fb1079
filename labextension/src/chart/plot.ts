/**
 * From points in time to what a chart of so many pixels draws. Pure.
 *
 * However long the past, a chart has no more points than pixels: in each column of pixels the lowest
 * and the highest value are kept, so that a short peak is never smoothed away.
 */

import type { Column } from '../wire';

/** One column of pixels: where it is, and between which heights its values lie (0 bottom, 1 top). */
export interface IPoint {
  x: number;
  low: number;
  high: number;
}

export interface IPlotOptions {
  times: readonly number[];
  values: Column;
  /** The window, in the unit of the times; points outside it are left out. */
  from: number;
  to: number;
  /** What the top stands for. */
  max: number;
  /** In pixels of the screen. */
  width: number;
  /** Two points further apart than this are not joined. */
  gap: number;
}

/** Points in runs that are joined; a missing value or a gap in time ends a run. */
export function plot(options: IPlotOptions): IPoint[][] {
  const { times, values, from, to, max, width, gap } = options;
  const span = to - from;
  if (span <= 0 || max <= 0 || width <= 0) {
    return [];
  }
  const runs: IPoint[][] = [];
  let run: IPoint[] | null = null;
  let before = -Infinity;
  for (let place = 0; place < times.length; place += 1) {
    const time = times[place] ?? NaN;
    const value = values[place] ?? null;
    if (value === null || !(time >= from && time <= to)) {
      run = null;
      continue;
    }
    const height = Math.min(1, Math.max(0, value / max));
    const x = Math.round(((time - from) / span) * (width - 1));
    const last = run?.at(-1);
    if (run === null || last === undefined || time - before > gap) {
      run = [{ x, low: height, high: height }];
      runs.push(run);
    } else if (last.x === x) {
      last.low = Math.min(last.low, height);
      last.high = Math.max(last.high, height);
    } else {
      run.push({ x, low: height, high: height });
    }
    before = time;
  }
  return runs;
}

/** What the values of a window come to; null when there are none. */
export interface ISummary {
  lowest: number;
  highest: number;
  mean: number;
}

/** Lowest, highest and mean of the values from `from` on. */
export function summary(times: readonly number[], values: Column, from: number): ISummary | null {
  let lowest = Infinity;
  let highest = -Infinity;
  let sum = 0;
  let count = 0;
  for (let place = times.length - 1; place >= 0 && (times[place] ?? 0) >= from; place -= 1) {
    const value = values[place] ?? null;
    if (value !== null) {
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
      sum += value;
      count += 1;
    }
  }
  return count === 0 ? null : { lowest, highest, mean: sum / count };
}

/** The place of the point nearest to `time`, or -1 when none is nearer than `reach`. */
export function nearest(times: readonly number[], time: number, reach: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const distance = (place: number): number => Math.abs((times[place] ?? Infinity) - time);
  const best = distance(low - 1) <= distance(low) ? low - 1 : low;
  return distance(best) <= reach ? best : -1;
}
