/** A small line chart. For the eye only: the figure itself stands beside it as text. */

import * as React from 'react';
import { sparkline } from '../sparkline';
import type { Column } from '../wire';

const WIDTH = 200;
const HEIGHT = 36;

/** While nobody looks the server keeps a point each 30 seconds; a longer silence is a gap. */
const GAP_SECONDS = 75;

export interface ISparklineProps {
  times: readonly number[];
  values: Column | undefined;
  seconds: number;
  max: number;
}

export function Sparkline(props: ISparklineProps): React.JSX.Element {
  const to = props.times.at(-1) ?? 0;
  const chart = sparkline({
    times: props.times,
    values: props.values ?? [],
    from: to - props.seconds,
    to,
    max: props.max,
    width: WIDTH,
    height: HEIGHT,
    gap: GAP_SECONDS
  });
  return (
    <svg
      className="st-Sparkline"
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path className="st-Sparkline-area" d={chart.area} />
      <path className="st-Sparkline-line" d={chart.line} />
    </svg>
  );
}
