import schema from '../schema/panel.json';
import { DEFAULT_SETTINGS, readSettings } from '../src/settings';

interface ISchema {
  default?: unknown;
  properties?: Readonly<Record<string, ISchema>>;
}

/** What the settings editor shows where nothing is set. */
function defaults(part: ISchema): unknown {
  return part.properties === undefined
    ? part.default
    : Object.fromEntries(
        Object.entries(part.properties).map(([key, inner]) => [key, defaults(inner)])
      );
}

describe('settings', () => {
  it('have the defaults that the settings editor shows', () => {
    expect(defaults(schema)).toEqual(DEFAULT_SETTINGS);
  });

  it('are what a person has set', () => {
    const set = {
      ...DEFAULT_SETTINGS,
      interval: 5,
      span: 60,
      statusBar: false,
      show: { ...DEFAULT_SETTINGS.show, charts: false }
    };
    expect(readSettings(set)).toEqual(set);
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'fast'],
    ['nonsense', { interval: 'fast', span: 7, show: [], thresholds: { homePercent: NaN } }]
  ])('are the defaults for %s', (_name, composite) => {
    expect(readSettings(composite)).toEqual(DEFAULT_SETTINGS);
  });

  it('are bounded', () => {
    expect(readSettings({ interval: 0 }).interval).toBe(1);
    expect(readSettings({ interval: 1e9 }).interval).toBe(60);
    expect(readSettings({ thresholds: { gpuCelsius: -4 } }).thresholds.gpuCelsius).toBe(1);
  });
});
