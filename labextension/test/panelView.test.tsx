import * as React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { NO_HISTORY } from '../src/past';
import { DEFAULT_SETTINGS } from '../src/settings';
import { type IPanelActions, type IPanelViewProps, PanelView } from '../src/view/panelView';
import { type IState, parseState } from '../src/wire';
import {
  historyExample,
  MIG_AND_LOST,
  NEAR_ITS_STOP,
  NO_HUB,
  NOW,
  stateExample,
  stateExamples,
  trans,
  TWO_GPUS
} from './examples';

const nothing = (): void => undefined;

const IN_HUB: IPanelActions = {
  inHub: true,
  stop: nothing,
  park: nothing,
  restart: nothing,
  firstChoice: nothing,
  keepAlive: nothing,
  stopKernel: nothing,
  goTo: nothing,
  showSpan: nothing
};

/** The panel as a document. */
function panel(state: IState | null, change: Partial<IPanelViewProps> = {}): HTMLElement {
  const node = document.createElement('div');
  node.innerHTML = renderToStaticMarkup(
    <PanelView
      state={state}
      away={false}
      now={NOW}
      history={NO_HISTORY}
      settings={DEFAULT_SETTINGS}
      actions={IN_HUB}
      trans={trans}
      locale="en-GB"
      {...change}
    />
  );
  return node;
}

function texts(node: HTMLElement, selector: string): string[] {
  return [...node.querySelectorAll(selector)].map(found => found.textContent);
}

function withGpus(
  name: Parameters<typeof stateExample>[0],
  change: Partial<IState['gpus']>
): IState {
  const state = stateExample(name);
  return { ...state, gpus: { ...state.gpus, ...change } };
}

describe('a GPU', () => {
  it('shows four figures, each with a chart that is told in words', () => {
    const node = panel(stateExample(TWO_GPUS), {
      history: historyExample('one GPU and the machine')
    });
    const card = node.querySelector<HTMLElement>('.st-Card');
    expect(card && texts(card, '.st-Tile dt')).toEqual([
      'Utilisation',
      'Memory',
      'Temperature',
      'Power'
    ]);
    expect(card && texts(card, '.st-Tile-value')).toEqual([
      '97 %',
      '62 / 79.6 GiB',
      '71 °C',
      '655 / 700 W'
    ]);
    const charts = [...node.querySelectorAll('canvas')];
    expect(charts.every(chart => chart.getAttribute('role') === 'img')).toBe(true);
    expect(charts[0]?.getAttribute('aria-label')).toBe(
      'Utilisation, last 10 minutes: 90 % to 97 %, on average 94 %'
    );
    expect(charts[4]?.getAttribute('aria-label')).toContain('nothing yet');
  });

  it('says what is special about it, and names it once', () => {
    const node = panel(stateExample(NEAR_ITS_STOP));
    expect(texts(node, '.st-Card-heading')[0]).toBe('GPU 0 NVIDIA A100-SXM4-80GB');
    expect(texts(node, '.st-Badge').map(text => text.split(':')[0])).toEqual([
      'Simulated',
      'Shared, MPS'
    ]);
    expect(texts(node, '.st-Tile-yours')).toEqual(['yours: 0 %', 'yours: 4 GiB']);
  });

  it('says what a MIG slice does not tell, and that a GPU is lost', () => {
    const node = panel(stateExample(MIG_AND_LOST));
    expect(texts(node, '.st-Tile-value')[0]).toBe('not reported for this slice');
    expect(node.textContent).toContain('counts as used while a program on it uses the CPU');
    expect(texts(node, '.st-Tile dt')).toContain('Temperature of the card');
    expect(texts(node, '[role=alert]')[0]).toMatch(/^The GPU does not answer any more/);
    expect(texts(node, '.st-Troubles li')[0]).toMatch(/^Xid 79 at \d\d:\d\d: The GPU has fallen/);
  });

  it('is quiet about what is as it should be, and has the rest on demand', () => {
    const node = panel(stateExample(TWO_GPUS));
    // The first is at its power limit, which is no trouble; the second is too hot.
    expect(texts(node, '.st-Troubles li')).toEqual(['slowed down: too hot']);
    const [details] = [...node.querySelectorAll('details')];
    expect(details?.open).toBe(false);
    const facts = texts(node, 'details:first-of-type dd').slice(0, 9);
    expect(facts).toEqual([
      '1830 / 1980 MHz',
      '2619 / 2619 MHz',
      'slowed down: at its power limit',
      '41 %',
      '2.1 GB/s in, 1.1 GB/s out',
      '52.4 GB/s in, 52.4 GB/s out',
      '2 corrected, 0 not corrected',
      '0 %',
      '0 %'
    ]);
  });

  it('marks what is beyond the thresholds that a person has set', () => {
    const thresholds = { gpuMemoryPercent: 70, gpuCelsius: 70, memoryPercent: 30, homePercent: 40 };
    const node = panel(stateExample(TWO_GPUS), { settings: { ...DEFAULT_SETTINGS, thresholds } });
    expect(texts(node, '.st-Mark').slice(0, 4)).toEqual([
      'over 70 %',
      'over 70 °C',
      'over 70 °C',
      'over 30 %'
    ]);
    expect(texts(node, '.st-Mark').at(-1)).toContain('Your home is 40 % full: 60 GiB are left.');
  });

  it('has no troubles where the driver reports none, as with AMD and Intel', () => {
    const example = stateExamples[TWO_GPUS] as { gpus: { devices: object[] } };
    const devices = example.gpus.devices.map(device => ({ ...device, throttle: null, xid: null }));
    const state = parseState({ ...example, gpus: { ...example.gpus, devices } });
    expect(panel(state).querySelector('.st-Troubles')).toBeNull();
  });

  it('tells memory errors that were not corrected', () => {
    const state = stateExample(TWO_GPUS);
    const devices = state.gpus.devices.map(device => ({
      ...device,
      throttle: [],
      figures: { ...device.figures, ecc_uncorrected: 1 }
    }));
    const node = panel(withGpus(TWO_GPUS, { devices }));
    expect(texts(node, '.st-Troubles li')[0]).toBe('1 memory error was not corrected');
  });
});

describe('a state', () => {
  it.each([
    ['no_gpu', 'No GPU in this workspace', 'plain'],
    ['driver_missing', 'The GPU driver is missing', 'warning'],
    ['driver_hung', 'The GPU driver does not answer', 'warning']
  ] as const)('of %s is said', (state, heading, kind) => {
    const node = panel(withGpus(NO_HUB, { state, hint: 'Do this.' }));
    expect(texts(node, '.st-Notice h3')).toEqual([heading]);
    expect(node.querySelector('.st-Notice')?.getAttribute('data-kind')).toBe(kind);
    expect(node.textContent).toContain('Do this.');
  });

  it('leaves the last figures where a driver hangs', () => {
    const node = panel(withGpus(TWO_GPUS, { state: 'driver_hung' }));
    expect(texts(node, '.st-Notice h3')).toEqual(['The GPU driver does not answer']);
    expect(texts(node, '.st-Card-number')).toEqual(['GPU 0', 'GPU 1']);
  });

  it('is loading before the first answer, and away when there is none', () => {
    expect(texts(panel(null), 'h3')).toEqual(['Asking the workspace …']);
    const away = panel(stateExample(TWO_GPUS), { away: true });
    expect(texts(away, 'h3')).toEqual(['The workspace does not answer', 'Workspace']);
    expect(texts(away, 'button')).toContain('Stop workspace…');
  });
});

describe('processes', () => {
  it('name the notebook or terminal, and offer what can be done', () => {
    const node = panel(stateExample(TWO_GPUS));
    expect(texts(node, '.st-Processes tbody th small')).toEqual([
      'GPU 0, PID 214',
      'GPU 1, PID 391'
    ]);
    const buttons = [...node.querySelectorAll('.st-Link')].map(button =>
      button.getAttribute('aria-label')
    );
    expect(buttons).toEqual([
      'Go to train.ipynb',
      'Stop the kernel of train.ipynb…',
      'Go to Terminal 1'
    ]);
  });

  it('say why there are none', () => {
    expect(panel(stateExample(MIG_AND_LOST)).textContent).toContain(
      'The driver does not tell which'
    );
    expect(panel(withGpus(TWO_GPUS, { processes: [] })).textContent).toContain(
      'No program of yours uses the GPU.'
    );
  });
});

describe('the workspace', () => {
  it('tells a fallback above all, with its reason and the way back', () => {
    const node = panel(stateExample(NEAR_ITS_STOP));
    const [note] = texts(node, '[role=note]');
    expect(note).toContain('runs PyTorch 2.8 in place of PyTorch 2.9');
    expect(note).toContain('The registry has no image');
    expect(texts(node, '[role=note] button')).toEqual(['Try my first choice again…']);
    expect(texts(node, '.st-Facts dd').slice(-3, -1)).toEqual(['PyTorch 2.8', 'A share of a GPU']);
  });

  it('counts down, for the eye by seconds and for the ear by minutes', () => {
    const node = panel(stateExample(NEAR_ITS_STOP));
    expect(texts(node, '.st-Countdown [role=status]')).toEqual([
      'This workspace stops in 8 minutes.'
    ]);
    expect(texts(node, '.st-Clock')).toEqual(['8:20']);
    expect(texts(node, '.st-Countdown button')[0]).toMatch(/^Keep alive until \d\d:\d\d$/);
  });

  it('says why it cannot be kept alive', () => {
    const state = stateExample(MIG_AND_LOST);
    const node = panel({ ...state, stops: { ...state.stops, warn: true } });
    expect(node.querySelector('.st-Countdown button')).toBeNull();
    expect(texts(node, '.st-Countdown')[0]).toContain('Keep alive does not extend that.');
  });

  it('has buttons only where there is a hub that offers it', () => {
    const outside = panel(stateExample(NO_HUB), { actions: { ...IN_HUB, inHub: false } });
    expect(outside.querySelector('button')).toBeNull();
    expect(texts(panel(stateExample(TWO_GPUS)), '.st-Actions button')).toEqual([
      'Stop workspace…',
      'Park the GPU…',
      'Other profile…'
    ]);
    expect(texts(panel(stateExample(NO_HUB)), '.st-Actions button')).toEqual(['Stop workspace…']);
  });

  it('tells the server’s warnings once', () => {
    const node = panel(stateExample(NEAR_ITS_STOP));
    expect(
      [...node.querySelectorAll('[data-code]')].map(found => found.getAttribute('data-code'))
    ).toEqual(['gpu_held_idle', 'disk_nearly_full']);
    expect(panel(stateExample(TWO_GPUS)).querySelector('[data-code]')).toBeNull();
  });

  it('shows what is set, and no more', () => {
    const show = { charts: false, details: true, system: false, processes: false };
    const node = panel(stateExample(TWO_GPUS), { settings: { ...DEFAULT_SETTINGS, show } });
    expect(node.querySelector('canvas, .st-Spans, .st-Processes, meter')).toBeNull();
    expect(node.querySelector('details')?.open).toBe(true);
  });

  it('shows names as text', () => {
    const state = stateExample(TWO_GPUS);
    const evil = '<img src=x onerror=alert(1)>';
    const workspace = state.workspace && {
      ...state.workspace,
      image: { ...state.workspace.image, display_name: evil }
    };
    const processes = state.gpus.processes?.map(process => ({ ...process, name: evil })) ?? null;
    const node = panel({ ...state, workspace, gpus: { ...state.gpus, processes } });
    expect(node.querySelector('img')).toBeNull();
    expect(node.textContent).toContain('<img src=x');
  });
});
