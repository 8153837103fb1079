/** A small line chart as SVG path data. Pure. */

import type { Column } from './wire';

export interface IChart {
  /** Path of the line. */
  line: string;
  /** Path of the area below it. */
  area: string;
}

export interface IChartOptions {
  times: readonly number[];
  values: Column;
  /** The window, in the unit of the times; points outside it are left out. */
  from: number;
  to: number;
  /** What the top stands for. */
  max: number;
  width: number;
  height: number;
  /** Two points further apart than this are not joined. */
  gap: number;
}

/** The paths for a chart; empty strings when there is nothing to draw. */
export function sparkline(options: IChartOptions): IChart {
  const runs = runsOf(options);
  const bottom = coordinate(options.height);
  const line = runs.map(run => `M${run.join('L')}`).join('');
  const area = runs
    .map(run => {
      const [first] = (run.at(0) ?? '').split(',');
      const [last] = (run.at(-1) ?? '').split(',');
      return `M${first},${bottom}L${run.join('L')}L${last},${bottom}Z`;
    })
    .join('');
  return { line, area };
}

/** Points "x,y" in runs that are joined; a missing value or a gap in time ends a run. */
function runsOf(options: IChartOptions): string[][] {
  const { times, values, from, to, max, width, height, gap } = options;
  const span = to - from;
  if (span <= 0 || max <= 0) {
    return [];
  }
  const runs: string[][] = [];
  let run: string[] | null = null;
  let before = -Infinity;
  times.forEach((time, place) => {
    const value = values[place] ?? null;
    if (value === null || time < from || time > to) {
      run = null;
      return;
    }
    if (run === null || time - before > gap) {
      run = [];
      runs.push(run);
    }
    const share = Math.min(1, Math.max(0, value / max));
    const x = coordinate(((time - from) / span) * width);
    const y = coordinate((1 - share) * height);
    run.push(`${x},${y}`);
    before = time;
  });
  return runs;
}

function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
