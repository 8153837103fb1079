import * as format from '../src/format';
import { gpuExamples, gpuExample, trans, workspaceExample } from './examples';
import { parseGpus } from '../src/wire';

const GIB = 1024 ** 3;

describe('figures', () => {
  it.each([
    [format.percent(null), '–'],
    [format.percent(28.6), '29 %'],
    [format.percent(0), '0 %'],
    [format.celsius(null), '–'],
    [format.celsius(51.5), '52 °C'],
    [format.memory(null, 8 * GIB), '–'],
    [format.memory(1.5 * GIB, null), '1.5 GiB'],
    [format.memory(0, 80 * GIB), '0 / 80 GiB'],
    [format.memory(27.28 * GIB, 79.6 * GIB), '27.3 / 79.6 GiB'],
    [format.memory(140.9 * GIB, 141 * GIB), '141 / 141 GiB'],
    [format.power(null, 400), '–'],
    [format.power(147.6, null), '148 W'],
    [format.power(147.6, 400), '148 / 400 W']
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
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
    expect(format.duration(seconds, trans)).toBe(text);
  });
});

describe('moment', () => {
  it('adds seconds and speaks the locale', () => {
    const text = format.moment('2026-03-01T09:30:00Z', 'en-GB', 3600);
    expect(text).toMatch(/^Sun.* 1 Mar.* \d\d:30$/);
  });

  it.each([null, 'not a time'])('of %s is nothing', iso => {
    expect(format.moment(iso, 'en')).toBeNull();
  });
});

describe('stopRules', () => {
  it('tells the idle policy and the end', () => {
    const [idle, end] = format.stopRules(workspaceExample('whole GPU'), trans, 'en-GB');
    expect(idle).toBe(
      'It is stopped after 1 hour without activity. What counts: a page of it in view, ' +
        'a running cell or terminal, a GPU at 5 % or more.'
    );
    expect(end).toMatch(/^It is stopped at .*:30 in any case\.$/);
  });

  it('does not speak of a GPU where there is none', () => {
    const cpu = workspaceExample('CPU only, never stopped for idleness, registry not asked');
    expect(format.stopRules(cpu, trans)).toEqual(['It is not stopped for being idle.']);
    const timed = { ...cpu, idle: { ...cpu.idle, timeout_seconds: 600 } };
    expect(format.stopRules(timed, trans)[0]).not.toContain('GPU');
    expect(format.stopPromise(timed, trans)).toBe('Your files are kept.');
  });

  it('tells a lifetime without a start', () => {
    const workspace = { ...workspaceExample('whole GPU'), started_at: null };
    expect(format.stopRules(workspace, trans)[1]).toBe(
      'It is stopped 12 hours after its start in any case.'
    );
  });
});

describe('stateNotice', () => {
  it.each(Object.keys(gpuExamples))('keeps the server’s words for “%s”', name => {
    const reply = parseGpus(gpuExamples[name]);
    const notice = format.stateNotice(reply, trans);
    expect([notice.message, notice.hint]).toEqual([reply.message, reply.hint]);
    expect(notice.heading === '').toBe(reply.state === 'ok');
  });

  it('has a heading of its own for each state', () => {
    const reply = gpuExample('no GPU in the profile');
    const states = [
      'starting',
      'no_gpu',
      'no_device',
      'library_missing',
      'driver_missing',
      'driver_error',
      'unsupported_vendor'
    ] as const;
    const headings = states.map(state => format.stateNotice({ ...reply, state }, trans).heading);
    expect(new Set(headings).size).toBe(states.length);
    expect(headings).not.toContain('');
  });
});

describe('fallbackSentence', () => {
  it('names both images', () => {
    const workspace = workspaceExample('shared simulated GPU after a fallback');
    expect(format.fallbackSentence(workspace, trans)).toBe(
      'This workspace runs PyTorch 2.8 in place of PyTorch 2.9.'
    );
  });

  it('is nothing without a fallback', () => {
    expect(format.fallbackSentence(workspaceExample('whole GPU'), trans)).toBeNull();
  });
});
