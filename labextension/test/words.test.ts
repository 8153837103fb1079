import { deviceLabel } from '../src/words/devices';
import * as figures from '../src/words/figures';
import { localeOf } from '../src/words/locale';
import { fallbackSentence, isCalm, stateNotice } from '../src/words/states';
import {
  countdownSentence,
  keptUntil,
  secondsLeft,
  stopLines,
  stopPromise,
  stopReason,
  stopRules
} from '../src/words/stops';
import { summaryOf } from '../src/words/summary';
import type { IState, IStops, IWorkspace, State } from '../src/wire';
import {
  MIG_AND_LOST,
  NEAR_ITS_STOP,
  NO_HUB,
  NOW,
  stateExample,
  trans,
  TWO_GPUS
} from './examples';

const GIB = 1024 ** 3;

function workspaceOf(name: Parameters<typeof stateExample>[0]): IWorkspace {
  const { workspace } = stateExample(name);
  if (workspace === null) {
    throw new Error(`${name} has no workspace`);
  }
  return workspace;
}

describe('figures', () => {
  it.each([
    [figures.percent(null), '–'],
    [figures.percent(28.6), '29 %'],
    [figures.percent(0), '0 %'],
    [figures.celsius(null), '–'],
    [figures.celsius(51.5), '52 °C'],
    [figures.memory(null, 8 * GIB, trans), '–'],
    [figures.memory(1.5 * GIB, null, trans), '1.5 GiB'],
    [figures.memory(0, 80 * GIB, trans), '0 / 80 GiB'],
    [figures.memory(27.28 * GIB, 79.6 * GIB, trans), '27.3 / 79.6 GiB'],
    [figures.memory(140.9 * GIB, 141 * GIB, trans), '141 / 141 GiB'],
    [figures.bytes(512, trans), '512 B'],
    [figures.bytes(300 * 1024 ** 2, trans), '300 MiB'],
    [figures.bytes(3 * 1024 * GIB, trans), '3 TiB'],
    [figures.power(null, 400), '–'],
    [figures.power(147.6, null), '148 W'],
    [figures.power(147.6, 400), '148 / 400 W'],
    [figures.megahertz(1830, 1980), '1830 / 1980 MHz'],
    [figures.megahertz(1830, null), '1830 MHz'],
    [figures.rate(null, trans), '–'],
    [figures.rate(12, trans), '12 B/s'],
    [figures.rate(2147483648, trans), '2.1 GB/s'],
    [figures.rate(52_428_800_000, trans), '52.4 GB/s'],
    [figures.rate(3_000_000_000_000, trans), '3000 GB/s'],
    [figures.clock(0), '0:00'],
    [figures.clock(247.9), '4:07'],
    [figures.clock(3729), '1:02:09'],
    [figures.clock(-3), '0:00']
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe('deviceLabel', () => {
  const [card] = stateExample(TWO_GPUS).gpus.devices;
  const [slice] = stateExample(MIG_AND_LOST).gpus.devices;
  if (card === undefined || slice === undefined) {
    throw new Error('the examples have no devices');
  }
  const more = { ...slice, id: 'MIG-2' };
  const elsewhere = { ...slice, id: 'MIG-3', index: 1, parent: 'GPU-other' };
  it.each([
    ['a card', [card], ['GPU 0']],
    ['the only slice of its card', [slice, elsewhere], ['GPU 0', 'GPU 1']],
    ['slices of one card', [slice, elsewhere, more], ['GPU 0, slice 1', 'GPU 1', 'GPU 0, slice 2']]
  ])('tells %s', (_case, devices, labels) => {
    expect(devices.map(device => deviceLabel(device, devices, trans))).toEqual(labels);
  });
});

describe('duration', () => {
  it.each([
    [1, '1 second'],
    [20, '20 seconds'],
    [60, '1 minute'],
    [1800, '30 minutes'],
    [3600, '1 hour'],
    [5400, '1 hour 30 minutes'],
    [43200, '12 hours'],
    [604800, '7 days'],
    [93780, '1 day 2 hours']
  ])('%d seconds are %s', (seconds, text) => {
    expect(figures.duration(seconds, trans)).toBe(text);
  });
});

describe('moment', () => {
  it('names the day only if it is another', () => {
    expect(figures.moment(NOW + 60, NOW, 'en-GB')).toMatch(/^\d\d:\d\d$/);
    expect(figures.moment(NOW + 2 * 86400, NOW, 'en-GB')).toMatch(/^Tue.* 3 Mar.* \d\d:\d\d$/);
  });
});

describe('localeOf', () => {
  it.each([
    ['en', ['de-CH', 'en-GB', 'en-US'], 'en-GB'],
    ['en', ['fr'], 'en'],
    ['zh_CN', ['zh-TW'], 'zh-CN'],
    ['en', [], 'en']
  ])('of %s among %j', (language, preferred, locale) => {
    expect(localeOf(language, preferred)).toBe(locale);
  });
});

describe('stopRules', () => {
  it('tells the idle policy and the end', () => {
    const [idle, end] = stopRules(workspaceOf(TWO_GPUS), NOW, trans, 'en-GB');
    expect(idle).toBe(
      'It is stopped after 1 hour without activity. What counts: a page of it in view, ' +
        'a running cell or terminal, a GPU at 5 % or more.'
    );
    expect(end).toMatch(/^It is stopped at .*\d\d:30 in any case\.$/);
  });

  it('leaves the GPU out where there is none, and tells an end without a start', () => {
    const workspace = workspaceOf(TWO_GPUS);
    const profile = { ...workspace.profile, resource: null };
    const rules = stopRules({ ...workspace, profile, started_at: null }, NOW, trans);
    expect(rules[0]).not.toContain('GPU');
    expect(rules[1]).toBe('It is stopped 12 hours after its start in any case.');
  });

  it('says when neither rule is set', () => {
    const workspace = workspaceOf(TWO_GPUS);
    const idle = { ...workspace.idle, timeout_seconds: null };
    const rules = stopRules({ ...workspace, idle, max_lifetime_seconds: null }, NOW, trans);
    expect(rules).toEqual(['It is not stopped for being idle.']);
  });
});

describe('stopLines', () => {
  it.each([
    [TWO_GPUS, ['In use: train.ipynb is running. torchrun runs in Terminal 1. GPU 0 computes']],
    [NEAR_ITS_STOP, ['Stops at']],
    [NO_HUB, ['It is not stopped by itself.']],
    [MIG_AND_LOST, ['Kept alive until', 'Stops at']]
  ] as const)('of “%s”', (name, beginnings) => {
    const lines = stopLines(stateExample(name), NOW, trans, 'en-GB');
    expect(lines.map((line, place) => line.startsWith(beginnings[place] ?? '?'))).toEqual(
      beginnings.map(() => true)
    );
  });
});

describe('secondsLeft', () => {
  const { stops } = stateExample(NEAR_ITS_STOP);
  it.each<[string, Partial<IStops>, number, number | null]>([
    ['the server says it is time', {}, NOW, 500],
    ['it has become time since', { warn: false }, NOW, 500],
    ['it is too early', { warn: false }, NOW - 3600, null],
    ['there is no stop', { at: null }, NOW, null],
    ['it is over', {}, NOW + 1000, 0]
  ])('when %s', (_name, change, now, expected) => {
    expect(secondsLeft({ ...stops, ...change }, now)).toBe(expected);
  });
});

describe('the countdown in words', () => {
  it.each([
    [500, 'This workspace stops in 8 minutes.'],
    [60, 'This workspace stops in 1 minute.'],
    [59, 'This workspace stops in less than a minute.'],
    [0, 'This workspace stops in less than a minute.']
  ])('%d seconds', (seconds, sentence) => {
    expect(countdownSentence(seconds, trans)).toBe(sentence);
  });

  it('tells why', () => {
    expect(stopReason(stateExample(NEAR_ITS_STOP).stops, trans)).toContain('Nobody has used it');
    expect(stopReason(stateExample(MIG_AND_LOST).stops, trans)).toContain('longest run');
    const other = { ...stateExample(NO_HUB).stops, message: 'Maintenance.' };
    expect(stopReason(other, trans)).toBe('Maintenance.');
  });

  it('never promises more than the longest run', () => {
    const { stops } = stateExample(MIG_AND_LOST);
    expect(keptUntil(stops, NOW)).toBe(NOW + 600);
    expect(keptUntil(stateExample(NEAR_ITS_STOP).stops, NOW)).toBe(NOW + 3600);
  });
});

describe('stopPromise', () => {
  it('promises a GPU back only where there is one', () => {
    expect(stopPromise(workspaceOf(TWO_GPUS), trans)).toContain('Gives the GPU back');
    expect(stopPromise(null, trans)).toBe('Your files are kept.');
  });
});

describe('states', () => {
  const { gpus } = stateExample(NO_HUB);
  it.each<[State, boolean]>([
    ['ok', true],
    ['starting', true],
    ['no_gpu', true],
    ['unsupported_vendor', true],
    ['no_device', false],
    ['library_missing', false],
    ['driver_missing', false],
    ['driver_error', false],
    ['driver_hung', false]
  ])('%s has words, and is calm or not', (state, calm) => {
    const notice = stateNotice({ ...gpus, state }, trans);
    expect(notice.heading).not.toBe('');
    expect(notice.message).toBe(gpus.message);
    expect(isCalm(state)).toBe(calm);
  });

  it('tells a fallback with both names, where they are known', () => {
    const workspace = workspaceOf(NEAR_ITS_STOP);
    expect(fallbackSentence(workspace, trans)).toBe(
      'This workspace runs PyTorch 2.8 in place of PyTorch 2.9.'
    );
    expect(fallbackSentence({ ...workspace, requested_image: null }, trans)).toContain(
      'in place of your first choice'
    );
    expect(fallbackSentence(workspaceOf(TWO_GPUS), trans)).toBeNull();
  });
});

describe('summaryOf', () => {
  const calm = (name: Parameters<typeof stateExample>[0]): IState => {
    const state = stateExample(name);
    return { ...state, stops: { ...state.stops, at: null } };
  };
  const lost = calm(MIG_AND_LOST);
  const missing = calm(NO_HUB);
  it.each<[string, IState | null, boolean, string | null, boolean]>([
    ['nothing yet', null, false, null, false],
    ['no answer', calm(TWO_GPUS), true, 'Workspace does not answer', true],
    ['two GPUs', calm(TWO_GPUS), false, '2 GPUs 93 % · 103 / 159 GiB', false],
    ['one GPU', calm(NEAR_ITS_STOP), false, 'GPU 0 % · 27.3 / 80 GiB', false],
    ['a stop', stateExample(NEAR_ITS_STOP), false, 'Stops in 8 min', true],
    ['no GPU', missing, false, 'CPU · 3 / 24 GiB', false],
    ['a lost GPU', lost, false, '1 GPU lost', true],
    [
      'no driver',
      { ...missing, gpus: { ...missing.gpus, state: 'driver_missing' } },
      false,
      'The GPU driver is missing',
      true
    ],
    [
      'a slice',
      { ...lost, gpus: { ...lost.gpus, devices: lost.gpus.devices.slice(0, 1) } },
      false,
      'GPU · 1 / 9.6 GiB',
      false
    ]
  ])('with %s', (_name, state, away, text, alarm) => {
    const summary = summaryOf(state, away, NOW, trans);
    expect(summary?.text ?? null).toBe(text);
    expect(summary?.alarm ?? false).toBe(alarm);
  });

  it('reads out nothing that is not known', () => {
    const slice = { ...lost, gpus: { ...lost.gpus, devices: lost.gpus.devices.slice(0, 1) } };
    expect(summaryOf(slice, false, NOW, trans)?.title).toBe('GPU: memory 1 / 9.6 GiB');
    const cards = summaryOf(calm(TWO_GPUS), false, NOW, trans);
    expect(cards?.title).toBe('2 GPUs: utilisation 93 %, memory 103 / 159 GiB');
  });
});
