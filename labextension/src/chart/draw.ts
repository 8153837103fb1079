/** Draws a plotted line with the area below it on a canvas. I/O: the canvas, nothing else. */

import type { IPoint } from './plot';

export interface IInk {
  /** Any CSS colour: the theme's, as the canvas inherits it. */
  colour: string;
  /** Pixels of the screen for one of CSS. */
  ratio: number;
}

/** How strong the area below the line is. */
const AREA = 0.14;
const LINE_WIDTH = 1.5;

/** The part of CanvasRenderingContext2D that is needed, so that tests can stand in for it. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'clearRect'
  | 'closePath'
  | 'fill'
  | 'fillStyle'
  | 'globalAlpha'
  | 'lineJoin'
  | 'lineTo'
  | 'lineWidth'
  | 'moveTo'
  | 'stroke'
  | 'strokeStyle'
>;

/** Replaces what is on a canvas of `width` by `height` pixels. */
export function draw(
  pen: Pen,
  runs: readonly (readonly IPoint[])[],
  width: number,
  height: number,
  ink: IInk
): void {
  const thick = LINE_WIDTH * ink.ratio;
  const top = thick / 2;
  const room = height - thick;
  const y = (share: number): number => top + (1 - share) * room;

  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = pen.fillStyle = ink.colour;
  pen.lineWidth = thick;
  pen.lineJoin = 'round';
  for (const run of runs) {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) {
      continue;
    }
    pen.beginPath();
    pen.moveTo(first.x, height);
    run.forEach(point => pen.lineTo(point.x, y(point.high)));
    pen.lineTo(last.x, height);
    pen.closePath();
    pen.globalAlpha = AREA;
    pen.fill();

    pen.globalAlpha = 1;
    pen.beginPath();
    // A single point has no length: a stroke as wide as the line makes it visible.
    pen.moveTo(run.length === 1 ? first.x - thick : first.x, y(first.high));
    for (const point of run) {
      pen.lineTo(point.x, y(point.high));
      if (point.low !== point.high) {
        pen.lineTo(point.x, y(point.low));
      }
    }
    pen.stroke();
  }
}
