import { firstState, StateFeed } from '../src/stateFeed';
import { NEAR_ITS_STOP, NOW, stateExamples, trans, TWO_GPUS } from './examples';
import { type Answer, FakeServer, Stream } from './fakeServer';

const FIRST = stateExamples[TWO_GPUS];
const SECOND = stateExamples[NEAR_ITS_STOP];

/** A page that tests hide and show. */
class FakePage {
  hidden = false;
  addEventListener = (_type: string, listener: () => void): void => {
    this._listener = listener;
  };
  removeEventListener = (): void => {
    this._listener = () => undefined;
  };

  show(visible: boolean): void {
    this.hidden = !visible;
    this._listener();
  }

  private _listener: () => void = () => undefined;
}

describe('StateFeed', () => {
  let server: FakeServer;
  let page: FakePage;
  let feed: StateFeed;
  let streams: Stream[];

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    page = new FakePage();
    streams = [];
    server.answer = stream;
    feed = new StateFeed({
      settings: server.settings,
      trans,
      page: page as unknown as Document
    });
  });

  afterEach(() => {
    feed.dispose();
    jest.useRealTimers();
  });

  function stream(url: string): Answer {
    if (!url.includes('stream')) {
      return { status: 200, body: SECOND };
    }
    const opened = new Stream();
    streams.push(opened);
    return opened;
  }

  async function pass(millis = 0): Promise<void> {
    await jest.advanceTimersByTimeAsync(millis);
    // What comes over a stream passes through promises that no timer knows of.
    for (let turn = 0; turn < 50; turn += 1) {
      await Promise.resolve();
    }
    await jest.advanceTimersByTimeAsync(0);
  }

  it('does not ask before someone watches', async () => {
    await pass(60_000);
    expect(server.requests).toHaveLength(0);
  });

  it('follows one stream for all who watch, at the pace of the most eager', async () => {
    const slow = feed.watch(10);
    await pass();
    const fast = feed.watch(2);
    feed.watch(10);
    await pass();
    expect(server.asked).toEqual(['GET stream?interval=10', 'GET stream?interval=2']);
    expect(streams[0]?.cancelled).toBe(true);
    streams[1]?.send(FIRST);
    await pass();
    expect(feed.state?.gpus.devices).toHaveLength(2);
    streams[1]?.send(SECOND);
    await pass();
    expect(feed.state?.gpus.devices).toHaveLength(1);
    fast.dispose();
    slow.dispose();
    await pass();
    expect(server.asked.at(-1)).toBe('GET stream?interval=10');
  });

  it('lets go of the stream when the last watcher leaves, and when the page is hidden', async () => {
    const watching = feed.watch(2);
    await pass();
    page.show(false);
    await pass(120_000);
    expect(streams.map(({ cancelled }) => cancelled)).toEqual([true]);
    page.show(true);
    await pass();
    expect(streams).toHaveLength(2);
    watching.dispose();
    await pass(120_000);
    expect(streams.map(({ cancelled }) => cancelled)).toEqual([true, true]);
    expect(feed.error).toBeNull();
  });

  it('opens a stream that was ended again, without alarm', async () => {
    feed.watch(2);
    await pass();
    streams[0]?.send(FIRST);
    await pass();
    streams[0]?.end();
    await pass(1500);
    expect(streams).toHaveLength(2);
    expect(feed.error).toBeNull();
  });

  it('says that nothing answers, asks less and less often, and comes back by itself', async () => {
    feed.watch(2);
    await pass();
    streams[0]?.send(FIRST);
    await pass();
    server.answer = () => new TypeError('fetch failed');
    streams[0]?.break();
    await pass(2500);
    expect(feed.error?.message).toBe('The workspace does not answer.');
    expect(feed.state).not.toBeNull();
    const before = server.requests.length;
    await pass(120_000);
    expect(server.requests.length - before).toBeLessThan(12);
    server.answer = url => {
      const answer = stream(url);
      streams.at(-1)?.send(SECOND);
      return answer;
    };
    await pass(21_000);
    expect(feed.error).toBeNull();
    expect(feed.state?.gpus.devices).toHaveLength(1);
  });

  it('gives up a stream that has gone silent', async () => {
    feed.watch(2);
    await pass();
    streams[0]?.send(FIRST);
    await pass();
    await pass(30_000);
    streams[0]?.write(': alive\n\n');
    await pass();
    await pass(30_000);
    expect(streams).toHaveLength(1);
    await pass(30_000);
    expect(streams[0]?.cancelled).toBe(true);
    expect(streams).toHaveLength(2);
  });

  it('asks again and again where streams are held back', async () => {
    feed.watch(2);
    await pass(9000);
    expect(feed.state?.gpus.devices).toHaveLength(1);
    await pass(10_000);
    const asked = server.asked.filter(path => path === 'GET state').length;
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(server.asked.filter(path => path.startsWith('GET stream'))).toHaveLength(1);
  });

  it('takes a refusal and an answer of another version for no answer', async () => {
    server.answer = () => ({ status: 403, body: { reason: 'forbidden', message: 'Not yours.' } });
    feed.watch(2);
    await pass();
    expect(feed.error?.message).toBe('Not yours.');
    server.answer = () => ({ status: 200, body: { version: 2 } });
    await feed.ask();
    expect(feed.error?.message).toBe('version is not 1');
  });

  it('goes by the server’s clock', async () => {
    jest.setSystemTime(0);
    const waiting = firstState(feed);
    server.answer = () => ({ status: 200, body: FIRST });
    await feed.ask();
    expect(feed.now()).toBeCloseTo(NOW);
    expect((await waiting).at).toBe(NOW);
    expect((await firstState(feed)).at).toBe(NOW);
  });
});
