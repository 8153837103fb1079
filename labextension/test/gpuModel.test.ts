import { GpuModel } from '../src/gpuModel';
import { gpuExamples } from './examples';
import { FakeServer } from './fakeServer';

const GPU = gpuExamples['a whole GPU, simulated and shared'];
const NO_GPU = gpuExamples['no GPU in the profile'];

/** The next change of the model. */
function change(model: GpuModel): Promise<void> {
  return new Promise(resolve => {
    const once = (): void => {
      model.changed.disconnect(once);
      resolve();
    };
    model.changed.connect(once);
  });
}

describe('GpuModel', () => {
  let server: FakeServer;
  let model: GpuModel;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    server.answer = () => ({ status: 200, body: GPU });
    model = new GpuModel({ settings: server.settings });
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  async function next(): Promise<void> {
    const changed = change(model);
    await jest.advanceTimersByTimeAsync(2100);
    await changed;
  }

  it('does not ask before someone watches', async () => {
    await jest.advanceTimersByTimeAsync(10000);
    expect(server.requests).toHaveLength(0);
  });

  it('asks for the past once, and then for what is new', async () => {
    model.watch();
    await next();
    await next();
    expect(server.requests[0]?.url).toContain('gpus?window=600');
    expect(server.requests[1]?.url).toContain('gpus?since=1772357404');
    expect(model.reply?.devices).toHaveLength(1);
    expect(model.history.times).toEqual([1772357402, 1772357404]);
  });

  it('stops asking when the last watcher leaves', async () => {
    const first = model.watch();
    const second = model.watch();
    await next();
    first.dispose();
    await next();
    second.dispose();
    second.dispose();
    const asked = server.requests.length;
    await jest.advanceTimersByTimeAsync(20000);
    expect(server.requests).toHaveLength(asked);
  });

  it('asks once when the answer is for good', async () => {
    server.answer = () => ({ status: 200, body: NO_GPU });
    model.watch();
    await next();
    await jest.advanceTimersByTimeAsync(60000);
    expect(server.requests).toHaveLength(1);
    expect(model.reply?.state).toBe('no_gpu');
  });

  it('asks less often while nothing answers, and recovers', async () => {
    server.answer = () => new TypeError('fetch failed');
    model.watch();
    await next();
    expect(model.error?.message).toBe('The workspace does not answer.');
    await jest.advanceTimersByTimeAsync(120000);
    expect(server.requests.length).toBeLessThan(30);
    server.answer = () => ({ status: 200, body: GPU });
    await jest.advanceTimersByTimeAsync(60000);
    expect(model.error).toBeNull();
    expect(model.reply?.state).toBe('ok');
  });

  it('keeps the last answer while nothing answers', async () => {
    model.watch();
    await next();
    server.answer = () => ({ status: 500, body: '<html>' });
    await next();
    expect(model.error).not.toBeNull();
    expect(model.reply?.devices).toHaveLength(1);
  });
});
