import { append, NO_HISTORY } from '../src/past';
import { PastModel } from '../src/pastModel';
import { StateFeed } from '../src/stateFeed';
import type { IState } from '../src/wire';
import {
  historyExample,
  historyExamples,
  MIG_AND_LOST,
  NO_HUB,
  NOW,
  stateExample,
  stateExamples,
  trans,
  TWO_GPUS
} from './examples';
import { FakeServer } from './fakeServer';

function at(seconds: number, name: Parameters<typeof stateExample>[0] = TWO_GPUS): IState {
  const state = stateExample(name);
  return { ...state, at: seconds, gpus: { ...state.gpus, sampled_at: seconds } };
}

describe('append', () => {
  it('begins with what is there', () => {
    const history = append(NO_HISTORY, at(NOW), 600);
    expect(history.times).toEqual([NOW]);
    expect(history.devices['GPU-bbbb']?.utilisation_percent).toEqual([88]);
    expect(history.machine.cpu_percent).toEqual([40]);
  });

  it('keeps the past of every device, with nothing where there is nothing', () => {
    const history = append(historyExample('one GPU and the machine'), at(NOW + 2), 600);
    expect(history.times.at(-1)).toBe(NOW + 2);
    expect(history.devices['GPU-aaaa']?.utilisation_percent).toEqual([90, 95.5, 97, 97]);
    expect(history.devices['GPU-bbbb']?.utilisation_percent).toEqual([null, null, null, 88]);
    const later = append(history, at(NOW + 4, MIG_AND_LOST), 600);
    expect(later.devices['GPU-aaaa']?.utilisation_percent.at(-1)).toBeNull();
  });

  it('leaves out what follows too closely, and what it has already', () => {
    const history = historyExample('one GPU and the machine');
    expect(append(history, at(NOW), 600)).toBe(history);
    expect(append(history, at(NOW + 1), 600)).toBe(history);
  });

  it('forgets what is older than the window, devices too', () => {
    const history = append(historyExample('one GPU and the machine'), at(NOW + 900, NO_HUB), 600);
    expect(history.times).toEqual([NOW + 900]);
    expect(history.devices).toEqual({});
    expect(history.machine.memory_used_bytes).toEqual([3221225472]);
  });
});

describe('PastModel', () => {
  let server: FakeServer;
  let feed: StateFeed;
  let past: PastModel;
  let state: unknown;

  beforeEach(() => {
    server = new FakeServer();
    state = stateExamples[TWO_GPUS];
    server.answer = url =>
      url.includes('history')
        ? { status: 200, body: historyExamples['one GPU and the machine'] }
        : { status: 200, body: state };
    feed = new StateFeed({ settings: server.settings, trans });
    past = new PastModel(feed, server.settings, 10);
  });

  afterEach(() => {
    past.dispose();
    feed.dispose();
  });

  async function tell(change: IState | Error): Promise<void> {
    server.answer = url => {
      if (change instanceof Error) {
        return change;
      }
      return url.includes('history')
        ? { status: 200, body: historyExamples['nothing yet'] }
        : { status: 200, body: { version: 1, ...change } };
    };
    await feed.ask();
    await new Promise(resolve => setTimeout(resolve, 5));
  }

  it('asks for the past once, and adds what comes', async () => {
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(past.history.times).toEqual([NOW - 4, NOW - 2, NOW]);
    await tell(at(NOW + 2));
    await tell(at(NOW + 4));
    expect(past.history.times).toEqual([NOW - 4, NOW - 2, NOW, NOW + 2, NOW + 4]);
    expect(server.asked.filter(path => path.includes('history'))).toEqual([
      'GET history?minutes=10'
    ]);
  });

  it('asks anew for another span, and after a silence', async () => {
    await new Promise(resolve => setTimeout(resolve, 5));
    past.show(60);
    past.show(60);
    await tell(at(NOW + 2));
    await tell(at(NOW + 200));
    await tell(new TypeError('fetch failed'));
    await tell(at(NOW + 202));
    await tell(at(NOW + 204));
    expect(server.asked.filter(path => path.includes('history'))).toEqual([
      'GET history?minutes=10',
      'GET history?minutes=60',
      'GET history?minutes=60',
      'GET history?minutes=60'
    ]);
  });
});
