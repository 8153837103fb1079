import { parseGpus, parseWorkspace, WireError } from '../src/wire';
import { gpuExamples, workspaceExamples } from './examples';

describe('parseGpus', () => {
  it.each(Object.entries(gpuExamples))('understands “%s”', (_name, example) => {
    const { version, ...fields } = example as Record<string, unknown>;
    expect(version).toBe(1);
    expect(parseGpus(example)).toEqual(fields);
  });

  const good = gpuExamples['no GPU in the profile'] as Record<string, unknown>;
  it.each([
    ['nothing', null, 'the answer is not an object'],
    ['another version', { ...good, version: 2 }, 'version is not 1'],
    ['an unknown state', { ...good, state: 'on fire' }, 'state is not a known state'],
    ['devices that are no list', { ...good, devices: {} }, 'devices is not a list'],
    [
      'a history whose columns are too short',
      {
        ...good,
        history: { times: [1], devices: { a: { utilisation_percent: [] } } }
      },
      'history of utilisation_percent is not as long as its times'
    ]
  ])('refuses %s', (_name, value, message) => {
    expect(() => parseGpus(value)).toThrow(WireError);
    expect(() => parseGpus(value)).toThrow(message);
  });
});

describe('parseWorkspace', () => {
  it.each(Object.entries(workspaceExamples))('understands “%s”', (_name, example) => {
    const { version, ...fields } = example as Record<string, unknown>;
    expect(version).toBe(1);
    const reply = parseWorkspace({ version: 1, workspace: fields, can_stop: true });
    const image = { reference: null, digest: null };
    expect(reply).toEqual({
      workspace: {
        ...fields,
        requested_image: { ...image, ...(fields.requested_image as object) }
      },
      can_stop: true
    });
  });

  it('takes a server outside Studiolo', () => {
    expect(parseWorkspace({ version: 1, workspace: null, can_stop: false })).toEqual({
      workspace: null,
      can_stop: false
    });
  });

  it('refuses half a workspace', () => {
    expect(() => parseWorkspace({ version: 1, workspace: {}, can_stop: true })).toThrow(
      'idle is not an object'
    );
  });
});
