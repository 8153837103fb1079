import { EMPTY_HISTORY, joinHistory, spanOf } from '../src/history';
import { HISTORY_FIGURES, type Column, type HistoryFigure, type IHistory } from '../src/wire';

function history(times: number[], devices: Record<string, (number | null)[]>): IHistory {
  const columns = (values: Column): Record<HistoryFigure, Column> =>
    Object.fromEntries(HISTORY_FIGURES.map(figure => [figure, values])) as Record<
      HistoryFigure,
      Column
    >;
  return {
    times,
    devices: Object.fromEntries(
      Object.entries(devices).map(([id, values]) => [id, columns(values)])
    )
  };
}

describe('joinHistory', () => {
  it.each([
    [
      'starts with the first answer',
      EMPTY_HISTORY,
      history([1, 2], { a: [5, 6] }),
      history([1, 2], { a: [5, 6] })
    ],
    [
      'puts new points behind',
      history([1], { a: [5] }),
      history([2], { a: [6] }),
      history([1, 2], { a: [5, 6] })
    ],
    [
      'takes a point once',
      history([1, 2], { a: [5, 6] }),
      history([2, 3], { a: [6, 7] }),
      history([1, 2, 3], { a: [5, 6, 7] })
    ],
    [
      'keeps what it has when nothing is new',
      history([1], { a: [5] }),
      EMPTY_HISTORY,
      history([1], { a: [5] })
    ],
    [
      'drops what is older than the window',
      history([1, 95], { a: [5, 6] }),
      history([102], { a: [7] }),
      history([95, 102], { a: [6, 7] })
    ],
    [
      'fills in for a device that came',
      history([1], { a: [5] }),
      history([2], { a: [6], b: [9] }),
      history([1, 2], { a: [5, 6], b: [null, 9] })
    ],
    [
      'forgets a device when its last point is old',
      history([1, 95], { a: [5, null], b: [1, 2] }),
      history([102], { b: [3] }),
      history([95, 102], { b: [2, 3] })
    ]
  ])('%s', (_name, old, next, joined) => {
    expect(joinHistory(old, next, 100)).toEqual(joined);
  });
});

describe('spanOf', () => {
  it.each([
    [[], 60],
    [[100], 60],
    [[100, 160], 60],
    [[100, 161], 120],
    [[100, 700], 600],
    [[0, 4000], 4000]
  ])('of %j is %d seconds', (times, span) => {
    expect(spanOf(history(times, {}))).toBe(span);
  });
});
