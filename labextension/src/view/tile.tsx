/** A figure with its name, its past as a chart, and a mark when it is beyond a threshold. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Chart } from '../chart/chart';
import { summary } from '../chart/plot';
import type { ISettings } from '../settings';
import type { Column, IHistory } from '../wire';
import { duration, UNKNOWN } from '../words/figures';

export interface ITile<F extends string = string> {
  figure: F;
  label: string;
  value: string;
  /** Any value of this figure in words. */
  words: (value: number | null) => string;
  /** The top of the chart; 0 for the highest value there is. */
  max: number;
  /** What stands in place of a value that is not there. */
  unknown: string;
  /** The part of a shared device's figure that is this workspace's. */
  yours: string | null;
  /** Beyond which threshold it is; null when it is not. */
  mark: string | null;
}

export interface ITileProps {
  tile: ITile;
  history: IHistory;
  values: Column | undefined;
  settings: ISettings;
  trans: TranslationBundle;
  locale?: string;
}

/** While nobody looks the server keeps a point each 30 seconds; a longer silence is a gap. */
const LEAST_GAP_SECONDS = 75;

export function Tile(props: ITileProps): React.JSX.Element {
  const { tile, history, settings, trans } = props;
  const unknown = tile.value === UNKNOWN;
  const seconds = settings.span * 60;
  return (
    <div className="st-Tile" data-figure={tile.figure}>
      <dt>{tile.label}</dt>
      <dd>
        <span className="st-Tile-value" data-unknown={unknown}>
          {unknown ? tile.unknown : tile.value}
        </span>
        {tile.mark !== null && <span className="st-Mark">{tile.mark}</span>}
        {tile.yours !== null && (
          <span className="st-Tile-yours">{trans.__('yours: %1', tile.yours)}</span>
        )}
        {!unknown && settings.show.charts && (
          <Chart
            times={history.times}
            values={props.values}
            seconds={seconds}
            max={tile.max}
            gap={Math.max(LEAST_GAP_SECONDS, 3 * history.spacing_seconds)}
            label={chartLabel(tile, props.values ?? [], history.times, seconds, trans)}
            readout={(time, value) =>
              `${timeOfDay(time, props.locale)}  ${value === null ? UNKNOWN : tile.words(value)}`
            }
          />
        )}
      </dd>
    </div>
  );
}

function chartLabel(
  tile: ITile,
  values: Column,
  times: readonly number[],
  seconds: number,
  trans: TranslationBundle
): string {
  const span = duration(seconds, trans);
  const found = summary(times, values, (times.at(-1) ?? 0) - seconds);
  return found === null
    ? trans.__('%1, last %2: nothing yet', tile.label, span)
    : trans.__(
        '%1, last %2: %3 to %4, on average %5',
        tile.label,
        span,
        tile.words(found.lowest),
        tile.words(found.highest),
        tile.words(found.mean)
      );
}

function timeOfDay(time: number, locale?: string): string {
  return new Date(time * 1000).toLocaleTimeString(locale);
}
