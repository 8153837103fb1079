import { Countdown, type IAlarm } from '../src/countdown';
import { StateFeed } from '../src/stateFeed';
import type { IState, IStops } from '../src/wire';
import { NEAR_ITS_STOP, NOW, stateExample, trans } from './examples';
import { FakeServer } from './fakeServer';

/** Remembers what was to be shown. */
class FakeAlarm implements IAlarm {
  readonly told: string[] = [];
  show(_stops: IStops, seconds: number, urgent: boolean): void {
    this.told.push(`${Math.round(seconds)}${urgent ? '!' : ''}`);
  }
  clear(): void {
    this.told.push('-');
  }
}

describe('Countdown', () => {
  let server: FakeServer;
  let feed: StateFeed;
  let alarm: FakeAlarm;
  let countdown: Countdown;
  let hidden: boolean;

  beforeEach(() => {
    jest.useFakeTimers({ now: NOW * 1000 });
    hidden = true;
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    server = new FakeServer();
    feed = new StateFeed({ settings: server.settings, trans });
    alarm = new FakeAlarm();
    countdown = new Countdown(feed, alarm);
  });

  afterEach(() => {
    countdown.dispose();
    feed.dispose();
    jest.useRealTimers();
  });

  /** From now on the server says that the stop is at `at`, to be told from `warnFrom` on. */
  function stopAt(at: number | null, warnFrom: number | null): void {
    const state = stateExample(NEAR_ITS_STOP);
    server.answer = () => {
      const now = Date.now() / 1000;
      const warn = warnFrom !== null && now >= warnFrom;
      const told: IState = { ...state, at: now };
      const stops = { ...state.stops, at, warn_from: warnFrom, warn };
      return { status: 200, body: { version: 1, ...told, stops } };
    };
  }

  async function pass(seconds: number): Promise<void> {
    await jest.advanceTimersByTimeAsync(seconds * 1000);
  }

  it('asks once in a hidden page, at the moment that was announced', async () => {
    stopAt(NOW + 1200, NOW + 600);
    await feed.ask();
    await pass(590);
    expect(server.requests).toHaveLength(1);
    expect(alarm.told.at(-1)).toBe('-');
    await pass(12);
    expect(server.requests).toHaveLength(2);
    expect(alarm.told.at(-1)).toBe('599');
  });

  it('asks a hidden page’s server each minute at most while it counts down', async () => {
    stopAt(NOW + 300, NOW - 1);
    await feed.ask();
    await pass(600);
    expect(server.requests.length).toBeLessThanOrEqual(11);
    expect(alarm.told).toContain('200');
    expect(alarm.told.at(-1)).toBe('0!');
  });

  it('waits anew when the workspace was used meanwhile', async () => {
    stopAt(NOW + 1200, NOW + 600);
    await feed.ask();
    stopAt(NOW + 4800, NOW + 4200);
    await pass(602);
    expect(server.requests).toHaveLength(2);
    await pass(3000);
    expect(server.requests).toHaveLength(2);
    expect(alarm.told.every(told => told === '-')).toBe(true);
  });

  it('counts down in a page in view, and is urgent in the last minute', async () => {
    hidden = false;
    stopAt(NOW + 90, NOW - 1);
    await feed.ask();
    await pass(45);
    expect(alarm.told).toContain('90');
    expect(alarm.told.some(told => /^5\d!$/.test(told))).toBe(true);
    stopAt(NOW + 7200, NOW + 6600);
    await feed.ask();
    expect(alarm.told.at(-1)).toBe('-');
  });

  it('says nothing where nothing is stopped, and asks nothing', async () => {
    stopAt(null, null);
    await feed.ask();
    await pass(86_400);
    expect(server.requests).toHaveLength(1);
    expect(alarm.told.every(told => told === '-')).toBe(true);
  });
});
