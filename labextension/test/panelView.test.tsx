import * as React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { EMPTY_HISTORY } from '../src/history';
import { PanelView, type IPanelViewProps } from '../src/view/panelView';
import { StopQuestion } from '../src/view/stopQuestion';
import { gpuExample, trans, workspaceExample } from './examples';

/** The panel as a document. */
function panel(props: Partial<IPanelViewProps>): HTMLElement {
  const node = document.createElement('div');
  const history = props.reply?.history ?? EMPTY_HISTORY;
  node.innerHTML = renderToStaticMarkup(
    <PanelView
      reply={null}
      error={null}
      history={history}
      workspace={null}
      onStop={null}
      trans={trans}
      locale="en"
      {...props}
    />
  );
  return node;
}

function texts(node: HTMLElement, selector: string): string[] {
  return [...node.querySelectorAll(selector)].map(found => found.textContent);
}

describe('PanelView', () => {
  it('shows four figures of a GPU, each with a chart', () => {
    const node = panel({ reply: gpuExample('a whole GPU, simulated and shared') });
    expect(texts(node, '.st-Tile dt')).toEqual(['Utilisation', 'Memory', 'Temperature', 'Power']);
    expect(texts(node, '.st-Tile-value')).toEqual([
      '29 %',
      '27.3 / 80 GiB',
      '52 °C',
      '148 / 400 W'
    ]);
    const lines = [...node.querySelectorAll('.st-Sparkline-line')].map(path =>
      path.getAttribute('d')
    );
    expect(lines).toHaveLength(4);
    expect(lines).not.toContain('');
    expect(node.querySelectorAll('svg:not([aria-hidden="true"])')).toHaveLength(0);
  });

  it('says that a GPU is simulated and shared, and names it once', () => {
    const node = panel({ reply: gpuExample('a whole GPU, simulated and shared') });
    expect(texts(node, '.st-Card-heading')).toEqual(['NVIDIA A100-SXM4-80GB']);
    expect(texts(node, '.st-Badge').map(text => text.split(':')[0])).toEqual([
      'Simulated',
      'Shared'
    ]);
  });

  it('says what a MIG slice does not tell, and that a GPU is lost', () => {
    const node = panel({ reply: gpuExample('a MIG slice and a lost GPU') });
    expect(texts(node, '.st-Tile-value')[0]).toBe('not reported for MIG slices');
    expect(texts(node, '.st-Tile dt')).toContain('Temperature of the card');
    expect(texts(node, '[role=alert]')).toEqual(['The GPU does not answer any more.']);
  });

  it.each([
    ['no GPU in the profile', 'No GPU in this workspace', 'plain'],
    ['library without driver', 'The GPU driver is missing', 'warning']
  ] as const)('shows the state of “%s”', (name, heading, kind) => {
    const node = panel({ reply: gpuExample(name) });
    expect(texts(node, '.st-Notice h3')).toEqual([heading]);
    expect(node.querySelector('.st-Notice')?.getAttribute('data-kind')).toBe(kind);
    expect(node.textContent).toContain(gpuExample(name).hint);
  });

  it('says so before the first answer, and when there is none', () => {
    expect(texts(panel({}), 'h3')).toEqual(['Asking the GPU driver …']);
    expect(texts(panel({ error: new Error('x') }), 'h3')).toEqual([
      'The workspace does not answer'
    ]);
  });

  it('tells a fallback above all, with its reason', () => {
    const workspace = workspaceExample('shared simulated GPU after a fallback');
    const node = panel({ workspace: { workspace, can_stop: true } });
    const [note] = texts(node, '[role=note]');
    expect(note).toContain('runs PyTorch 2.8 in place of PyTorch 2.9');
    expect(note).toContain(workspace.fallback_reason);
    expect(texts(node, '.st-Facts dd').slice(0, 2)).toEqual(['PyTorch 2.8', 'A share of a GPU']);
  });

  it('has a stop button only where there is a hub', () => {
    expect(panel({}).querySelector('button')).toBeNull();
    expect(texts(panel({ onStop: () => undefined }), 'button')).toEqual(['Stop workspace…']);
  });

  it('shows names as text', () => {
    const workspace = workspaceExample('whole GPU');
    const image = { ...workspace.image, display_name: '<img src=x onerror=alert(1)>' };
    const node = panel({ workspace: { workspace: { ...workspace, image }, can_stop: true } });
    expect(node.querySelector('img')).toBeNull();
    expect(node.textContent).toContain('<img src=x');
  });
});

describe('StopQuestion', () => {
  function question(unsaved: string[], kernels: number, terminals: number): HTMLElement {
    const node = document.createElement('div');
    node.innerHTML = renderToStaticMarkup(
      <StopQuestion
        unsaved={unsaved}
        kernels={kernels}
        terminals={terminals}
        promise="Your files are kept."
        trans={trans}
      />
    );
    return node;
  }

  it('says that files are kept', () => {
    expect(question([], 0, 0).textContent).toBe('Every program in it ends. Your files are kept.');
  });

  it('counts what ends and names what is not saved', () => {
    const node = question(['a.ipynb', 'b.py'], 2, 1);
    expect(texts(node, 'li').slice(0, 2)).toEqual([
      '2 running kernels end: their variables are lost.',
      '1 open terminal is closed.'
    ]);
    expect(texts(node, 'code')).toEqual(['a.ipynb', 'b.py']);
  });

  it('does not grow without end', () => {
    const node = question(
      Array.from({ length: 30 }, (_, number) => `${number}.py`),
      0,
      0
    );
    expect(texts(node, 'code')).toHaveLength(8);
    expect(node.textContent).toContain('and 22 more');
  });
});
