import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { DEFAULT_SETTINGS, type ISettings } from '../src/settings';
import { StateFeed } from '../src/stateFeed';
import { StatusItem } from '../src/statusItem';
import type { IStudiolo } from '../src/tokens';
import { stateExamples, trans, TWO_GPUS } from './examples';
import { FakeServer, Stream } from './fakeServer';

/** What the state plugin provides, with settings that the test changes. */
class FakeStudiolo implements IStudiolo {
  constructor(readonly feed: StateFeed) {}
  settings: ISettings = DEFAULT_SETTINGS;
  readonly settingsChanged = new Signal<this, void>(this);
  set<K extends keyof ISettings>(key: K, value: ISettings[K]): void {
    this.settings = { ...this.settings, [key]: value };
    this.settingsChanged.emit();
  }
}

describe('StatusItem', () => {
  let server: FakeServer;
  let studiolo: FakeStudiolo;
  let item: StatusItem;
  let opened: number;

  beforeEach(() => {
    server = new FakeServer();
    server.answer = url =>
      url.includes('stream') ? new Stream() : { status: 200, body: stateExamples[TWO_GPUS] };
    studiolo = new FakeStudiolo(new StateFeed({ settings: server.settings, trans }));
    opened = 0;
    item = new StatusItem({ studiolo, trans, onOpen: () => (opened += 1) });
    Widget.attach(item, document.body);
  });

  afterEach(() => {
    item.dispose();
    studiolo.feed.dispose();
  });

  const button = (): HTMLButtonElement => {
    const found = item.node.querySelector('button');
    if (found === null) {
      throw new Error('There is no button.');
    }
    return found;
  };

  it('says nothing before there is something to say', () => {
    expect(item.node.hidden).toBe(true);
  });

  it('says what the GPUs do, in a sentence for those who do not see it, and opens the panel', async () => {
    await studiolo.feed.ask();
    expect(item.node.hidden).toBe(false);
    expect(button().textContent).toContain('2 GPUs 93 %');
    expect(button().getAttribute('aria-label')).toBe(
      '2 GPUs: utilisation 93 %, memory 103 / 159 GiB. Show the panel'
    );
    button().click();
    expect(opened).toBe(1);
  });

  it('is alarmed when nothing answers', async () => {
    server.answer = () => new TypeError('fetch failed');
    await studiolo.feed.ask();
    expect(button().dataset.alarm).toBe('true');
  });

  it('is hidden, and asks for nothing, when a person does not want it', async () => {
    await studiolo.feed.ask();
    studiolo.set('statusBar', false);
    expect(item.node.hidden).toBe(true);
    const asked = server.requests.length;
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(server.requests).toHaveLength(asked);
  });
});
