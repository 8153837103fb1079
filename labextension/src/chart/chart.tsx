/**
 * A line over time on a canvas, in the theme's colours. For those who do not see it, it is an image
 * that is described in words; the figure itself stands beside it as text.
 */

import * as React from 'react';
import type { Column } from '../wire';
import { draw } from './draw';
import { nearest, plot } from './plot';

/** In CSS pixels; the width is what there is. */
const HEIGHT = 36;

export interface IChartProps {
  times: readonly number[];
  values: Column | undefined;
  /** The window, in seconds before the last point. */
  seconds: number;
  /** What the top stands for; 0 for the highest value there is. */
  max: number;
  /** Two points further apart than this are not joined. */
  gap: number;
  /** In words, for a screen reader. */
  label: string;
  /** What stands at a point, for whoever aims at it. */
  readout: (time: number, value: number | null) => string;
}

export function Chart(props: IChartProps): React.JSX.Element {
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = React.useState(0);
  const [aim, setAim] = React.useState<number | null>(null);
  const to = props.times.at(-1) ?? 0;
  const from = to - props.seconds;

  React.useEffect(() => {
    const node = canvas.current;
    if (node === null || typeof ResizeObserver === 'undefined') {
      return;
    }
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  React.useEffect(() => {
    const node = canvas.current;
    if (node !== null && width > 0) {
      paint(node, width, { ...props, from, to });
    }
  });

  const place =
    aim === null || width === 0
      ? -1
      : nearest(props.times, from + (aim / width) * props.seconds, props.gap);
  const time = props.times[place];
  return (
    <div className="st-Chart" style={{ height: HEIGHT }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={props.label}
        onPointerMove={event => setAim(event.nativeEvent.offsetX)}
        onPointerLeave={() => setAim(null)}
      />
      {time !== undefined && (
        <>
          <span
            className="st-Chart-aim"
            style={{ left: `${((time - from) / props.seconds) * 100}%` }}
          />
          <span className="st-Chart-readout" aria-hidden="true">
            {props.readout(time, props.values?.[place] ?? null)}
          </span>
        </>
      )}
    </div>
  );
}

interface IWindow extends IChartProps {
  from: number;
  to: number;
}

function paint(node: HTMLCanvasElement, width: number, props: IWindow): void {
  const pen = node.getContext('2d');
  if (pen === null) {
    return;
  }
  const ratio = window.devicePixelRatio || 1;
  const size = { width: Math.round(width * ratio), height: Math.round(HEIGHT * ratio) };
  if (node.width !== size.width || node.height !== size.height) {
    Object.assign(node, size);
  }
  const values = props.values ?? [];
  const max = props.max > 0 ? props.max : Math.max(1, ...values.map(value => value ?? 0));
  const runs = plot({ ...props, values, max, width: size.width });
  draw(pen, runs, size.width, size.height, { colour: getComputedStyle(node).color, ratio });
}
