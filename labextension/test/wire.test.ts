import {
  parseChoices,
  parseDeparture,
  parseHistory,
  parseKept,
  parseState,
  WireError
} from '../src/wire';
import { choicesExamples, historyExamples, NO_HUB, stateExamples, TWO_GPUS } from './examples';

/** Whether everything in `part` is in `whole`, at the same place. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) {
    return part === whole;
  }
  return (
    typeof whole === 'object' &&
    whole !== null &&
    Object.entries(part).every(([key, value]) =>
      isPartOf(value, (whole as Readonly<Record<string, unknown>>)[key])
    )
  );
}

describe('parseState', () => {
  it.each(Object.entries(stateExamples))('understands “%s”', (_name, example) => {
    const state = parseState(example);
    expect(isPartOf(state, example)).toBe(true);
    expect(state.gpus.devices).toHaveLength(
      (example as { gpus: { devices: unknown[] } }).gpus.devices.length
    );
  });

  const good = stateExamples[NO_HUB] as Record<string, Record<string, unknown>>;
  it.each([
    ['nothing', null, 'the answer is not an object'],
    ['a list', [], 'the answer is not an object'],
    ['another version', { ...good, version: 2 }, 'version is not 1'],
    [
      'an unknown state',
      { ...good, gpus: { ...good.gpus, state: 'on fire' } },
      'gpus.state is not'
    ],
    ['devices that are no list', { ...good, gpus: { ...good.gpus, devices: {} } }, 'not a list'],
    ['half a device', { ...good, gpus: { ...good.gpus, devices: [{}] } }, 'gpus.devices[0].id is'],
    ['a text for a number', { ...good, at: 'now' }, 'at is not a number'],
    [
      'a number for a text',
      { ...good, gpus: { ...good.gpus, hint: 1 } },
      'gpus.hint is not a text'
    ],
    ['a missing answer', { ...good, stops: { ...good.stops, warn: null } }, 'is not true or false']
  ])('refuses %s', (_name, value, message) => {
    expect(() => parseState(value)).toThrow(WireError);
    expect(() => parseState(value)).toThrow(message);
  });

  it('leaves out what it does not know, and reads what is missing as not known', () => {
    const example = stateExamples[TWO_GPUS] as Record<string, unknown>;
    const { workspace, ...rest } = example;
    expect(workspace).not.toBeNull();
    expect(parseState({ ...rest, news: 1 })).not.toHaveProperty('news');
    expect(parseState(rest).workspace).toBeNull();
  });
});

describe('parseHistory', () => {
  it.each(Object.entries(historyExamples))('understands “%s”', (_name, example) => {
    const { version, ...fields } = example as Record<string, unknown>;
    expect(version).toBe(1);
    expect(parseHistory(example)).toEqual(fields);
  });

  it('refuses columns that are not as long as their times', () => {
    const example = historyExamples['one GPU and the machine'] as Record<string, unknown>;
    expect(() => parseHistory({ ...example, times: [1] })).toThrow(
      'history of utilisation_percent is not as long as its times'
    );
  });
});

describe('parseChoices', () => {
  it.each(Object.entries(choicesExamples))('understands “%s”', (_name, example) => {
    const { version, ...fields } = example as Record<string, unknown>;
    expect(version).toBe(1);
    expect(parseChoices(example)).toEqual(fields);
  });
});

describe('answers to what was done', () => {
  it('tell where to go, and until when', () => {
    expect(parseDeparture({ version: 1, state: 'stopping', url: null }).url).toBeNull();
    expect(parseDeparture({ version: 1, url: '/hub/spawn-pending/ana' }).url).toContain('ana');
    expect(parseKept({ version: 1, until: 12, stops: {} }).until).toBe(12);
  });
});
