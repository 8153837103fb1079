import { PageConfig } from '@jupyterlab/coreutils';
import * as React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { hubAddress } from '../src/actions/address';
import { profileOptions } from '../src/actions/profiles';
import { firstOption, LeaveQuestionView, Losses } from '../src/view/leaveQuestion';
import { choicesExample, trans } from './examples';

function losses(unsaved: string[], kernels: number, terminals: number): HTMLElement {
  const node = document.createElement('div');
  node.innerHTML = renderToStaticMarkup(
    <Losses unsaved={unsaved} kernels={kernels} terminals={terminals} trans={trans} />
  );
  return node;
}

function texts(node: HTMLElement, selector: string): string[] {
  return [...node.querySelectorAll(selector)].map(found => found.textContent);
}

describe('what is lost', () => {
  it('is nothing when nothing runs', () => {
    expect(losses([], 0, 0).textContent).toBe('');
  });

  it('is counted, and what is not saved is named', () => {
    const node = losses(['a.ipynb', 'b.py'], 2, 1);
    expect(texts(node, 'li').slice(0, 2)).toEqual([
      '2 running kernels end: their variables are lost.',
      '1 open terminal is closed.'
    ]);
    expect(texts(node, 'code')).toEqual(['a.ipynb', 'b.py']);
  });

  it('does not grow without end', () => {
    const node = losses(
      Array.from({ length: 30 }, (_, number) => `${number}.py`),
      0,
      0
    );
    expect(texts(node, 'code')).toHaveLength(8);
    expect(node.textContent).toContain('and 22 more');
  });
});

describe('the choice of a profile', () => {
  const options = profileOptions(choicesExample('a GPU profile with park and first choice'));

  it('tells of each what it is, what is free, and why it cannot be had', () => {
    expect(options.map(option => [option.id, option.details, option.refusal])).toEqual([
      ['cpu', ['Editing, plots, small data.'], null],
      ['gpu-l4', ['Small models.', '3 free of 8; at most 2 on one machine'], null],
      ['gpu-h100', ['none free of 4; 2 waiting'], "Your group's quota of 4 GPUs is used up."]
    ]);
  });

  it.each([
    ['another that can be had', options, 'cpu'],
    ['the one that runs, if it is the only one', options.slice(1), 'gpu-l4'],
    ['nothing where nothing can be had', options.slice(2), null]
  ])('begins with %s', (_name, offered, chosen) => {
    expect(firstOption(offered)).toBe(chosen);
  });

  it('cannot be what is refused, and says what runs', () => {
    const node = document.createElement('div');
    node.innerHTML = renderToStaticMarkup(
      <LeaveQuestionView
        intro="It starts again."
        options={options}
        chosen="cpu"
        onChoose={() => undefined}
        unsaved={[]}
        kernels={0}
        terminals={0}
        trans={trans}
      />
    );
    const radios = [...node.querySelectorAll<HTMLInputElement>('input')];
    expect(radios.map(({ disabled, checked }) => [disabled, checked])).toEqual([
      [false, true],
      [false, false],
      [true, false]
    ]);
    expect(texts(node, 'label')).toEqual(['CPU only', 'One L4runs now', 'One H100']);
  });
});

describe('hubAddress', () => {
  const page = 'https://hub.test/user/ana/lab';
  beforeAll(() => {
    PageConfig.setOption('hubPrefix', '/hub/');
  });

  it.each([
    ['/hub/spawn-pending/ana?x=1', 'https://hub.test/hub/spawn-pending/ana?x=1'],
    ['/hub/home', 'https://hub.test/hub/home'],
    ['//evil.test/hub/home', 'https://hub.test/hub/home'],
    ['https://evil.test/hub/', 'https://hub.test/hub/home'],
    ['/hub/../user/eve', 'https://hub.test/hub/home'],
    ['/hubris', 'https://hub.test/hub/home'],
    ['javascript:alert(1)', 'https://hub.test/hub/home'],
    ['http://[', 'https://hub.test/hub/home'],
    ['', 'https://hub.test/hub/home']
  ])('of %s is %s', (named, address) => {
    expect(hubAddress(named, page)).toBe(address);
  });
});
