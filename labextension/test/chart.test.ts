import { draw, type Pen } from '../src/chart/draw';
import { nearest, plot, summary } from '../src/chart/plot';

const ALL = { from: 0, to: 100, max: 100, width: 101, gap: 30 };

describe('plot', () => {
  it('puts points where they belong', () => {
    expect(plot({ ...ALL, times: [0, 20, 50], values: [0, 50, 100], gap: 40 })).toEqual([
      [
        { x: 0, low: 0, high: 0 },
        { x: 20, low: 0.5, high: 0.5 },
        { x: 50, low: 1, high: 1 }
      ]
    ]);
  });

  it.each([
    ['a gap in time', [0, 20, 90], [1, 1, 1]],
    ['a missing value', [0, 10, 20], [1, null, 1]]
  ])('does not join over %s', (_name, times, values) => {
    expect(plot({ ...ALL, times, values })).toHaveLength(2);
  });

  it('keeps a peak, however many points there are for a pixel', () => {
    const times = Array.from({ length: 3600 }, (_, place) => place / 36);
    const values = times.map((_, place) => (place === 1801 ? 100 : 10));
    const [run] = plot({ ...ALL, times, values });
    expect(run?.length).toBeLessThanOrEqual(101);
    expect(run?.some(point => point.high === 1 && point.low === 0.1)).toBe(true);
  });

  it('leaves out what is outside the window, and bounds what is beyond the top', () => {
    const runs = plot({ ...ALL, times: [-5, 10, 120], values: [50, 500, 50] });
    expect(runs).toEqual([[{ x: 10, low: 1, high: 1 }]]);
  });

  it.each([
    ['no time', { to: 0 }],
    ['no height', { max: 0 }],
    ['no width', { width: 0 }]
  ])('draws nothing with %s', (_name, change) => {
    expect(plot({ ...ALL, times: [0, 1], values: [1, 1], ...change })).toEqual([]);
  });
});

describe('summary', () => {
  it('tells the lowest, the highest and the mean of the window', () => {
    expect(summary([1, 2, 3, 4], [99, 10, null, 30], 2)).toEqual({
      lowest: 10,
      highest: 30,
      mean: 20
    });
  });

  it('of nothing is nothing', () => {
    expect(summary([1, 2], [null, null], 0)).toBeNull();
    expect(summary([], [], 0)).toBeNull();
  });
});

describe('nearest', () => {
  it.each([
    [0, 0],
    [14, 0],
    [16, 1],
    [95, 2],
    [60, -1],
    [-90, -1]
  ])('to %d is point %d', (time, place) => {
    expect(nearest([10, 20, 100], time, 30)).toBe(place);
  });

  it('of nothing is none', () => {
    expect(nearest([], 1, 30)).toBe(-1);
  });
});

describe('draw', () => {
  it('draws each run as an area and a line, within the canvas', () => {
    const lines: [number, number][] = [];
    const strokes: string[] = [];
    const pen: Pen = {
      beginPath: () => undefined,
      clearRect: () => strokes.push('clear'),
      closePath: () => undefined,
      fill: () => strokes.push('fill'),
      fillStyle: '',
      globalAlpha: 1,
      lineJoin: 'miter',
      lineTo: (x, y) => lines.push([x, y]),
      lineWidth: 1,
      moveTo: (x, y) => lines.push([x, y]),
      stroke: () => strokes.push('stroke'),
      strokeStyle: ''
    };
    const runs = plot({ ...ALL, times: [0, 20, 90], values: [0, 100, 50] });
    draw(pen, [...runs, []], 101, 36, { colour: 'teal', ratio: 1 });
    expect(strokes).toEqual(['clear', 'fill', 'stroke', 'fill', 'stroke']);
    expect(pen.strokeStyle).toBe('teal');
    expect(lines.every(([, y]) => y >= 0 && y <= 36)).toBe(true);
  });
});
