import { WireError } from '../src/wire';
import { translated } from '../src/words/said';
import { stateExamples, trans } from './examples';
import { german } from './german';

/** Every sentence with parts, by where it stands. */
function sentences(answer: unknown, place = ''): [string, unknown][] {
  if (typeof answer !== 'object' || answer === null) {
    return [];
  }
  return Object.entries(answer).flatMap(([key, value]) => [
    ...(`${key}_said` in answer ? [[`${place}.${key}`, value] as [string, unknown]] : []),
    ...sentences(value, `${place}.${key}`)
  ]);
}

function at(answer: unknown, place: string): unknown {
  return place
    .split('.')
    .slice(1)
    .reduce((found, key) => (found as Readonly<Record<string, unknown>>)[key], answer);
}

describe('translated', () => {
  it.each(Object.entries(stateExamples))('says all of “%s” in German', (_name, example) => {
    const told = translated(example, german);
    const found = sentences(example);
    expect(found).not.toEqual([]);
    const english = found.filter(([place, text]) => at(told, place) === text);
    // Such as "Terminal 1": the same in both languages.
    expect(
      english.map(([, text]) => text).filter(text => /[a-z] [a-z]/.test(String(text)))
    ).toEqual([]);
  });

  it.each(Object.entries(stateExamples))('leaves “%s” as it is in English', (_name, example) => {
    const told = translated(example, trans);
    for (const [place, text] of sentences(example)) {
      expect(at(told, place)).toBe(text);
    }
  });

  it('fills in names, numbers and parts', () => {
    const message_said = {
      template: '%1 holds %2 GiB of GPU memory, and the GPU has computed nothing for %3.',
      values: [{ template: 'Terminal %1', values: ['1'] }, 3.8, '45 min']
    };
    expect(translated({ message: '', message_said }, german)).toEqual({
      message:
        'Terminal 1 belegt 3,8 GiB GPU-Speicher, und die GPU hat seit 45 min nichts gerechnet.'
    });
  });

  it('says a template that it does not know as it stands, and leaves what has no parts', () => {
    const answer = {
      message: 'New 1.',
      message_said: { template: 'New %1.', values: [1] },
      fallback_reason: 'In the words of the hub.',
      list: [null, 1, 'two']
    };
    expect(translated(answer, german)).toEqual({
      message: 'New 1.',
      fallback_reason: 'In the words of the hub.',
      list: [null, 1, 'two']
    });
  });

  it.each([
    ['no parts', 'text'],
    ['no template', { values: [] }],
    ['a value that is none', { template: 'A %1', values: [true] }]
  ])('refuses %s', (_name, parts) => {
    expect(() => translated({ message: 'A.', message_said: parts }, german)).toThrow(WireError);
  });
});
