import { sparkline, type IChartOptions } from '../src/sparkline';

const frame = { from: 0, to: 10, max: 100, width: 100, height: 20, gap: 5 };

function chart(options: Partial<IChartOptions>): ReturnType<typeof sparkline> {
  return sparkline({ ...frame, times: [], values: [], ...options });
}

describe('sparkline', () => {
  it.each<[string, Partial<IChartOptions>, string, string]>([
    ['draws nothing of nothing', {}, '', ''],
    [
      'maps time to the right and values upwards',
      { times: [0, 5, 10], values: [0, 50, 100] },
      'M0,20L50,10L100,0',
      'M0,20L0,20L50,10L100,0L100,20Z'
    ],
    [
      'breaks where a value is missing',
      { times: [0, 2, 4], values: [0, null, 100] },
      'M0,20M40,0',
      'M0,20L0,20L0,20ZM40,20L40,0L40,20Z'
    ],
    [
      'breaks over a silence',
      { times: [0, 8], values: [0, 0] },
      'M0,20M80,20',
      'M0,20L0,20L0,20ZM80,20L80,20L80,20Z'
    ],
    [
      'leaves out what is before the window',
      { times: [-1, 10], values: [50, 50] },
      'M100,10',
      'M100,20L100,10L100,20Z'
    ],
    [
      'keeps values inside the frame',
      { times: [0, 1], values: [250, -5] },
      'M0,0L10,20',
      'M0,20L0,0L10,20L10,20Z'
    ],
    ['draws nothing without a scale', { times: [0], values: [1], max: 0 }, '', ''],
    ['draws nothing without a span', { times: [0], values: [1], to: 0 }, '', ''],
    ['takes values that are too few', { times: [0, 1], values: [100] }, 'M0,0', 'M0,20L0,0L0,20Z']
  ])('%s', (_name, options, line, area) => {
    expect(chart(options)).toEqual({ line, area });
  });
});
