import { readEvents, splitEvents } from '../src/eventStream';
import { Stream } from './fakeServer';

describe('splitEvents', () => {
  it.each([
    ['one event', 'event: state\ndata: {"a":1}\n\n', ['{"a":1}'], ''],
    ['an event with lines that a proxy changed', 'data: 1\r\n\r\n', ['1'], ''],
    ['two, and the beginning of a third', 'data: 1\n\ndata: 2\n\nda', ['1', '2'], 'da'],
    ['data in several lines', 'data: [1,\ndata: 2]\n\n', ['[1,\n2]'], ''],
    ['data without the space', 'data:1\n\n', ['1'], ''],
    ['a sign of life', ': still here\n\n', [], ''],
    ['half an event', 'data: 1\n', [], 'data: 1\n']
  ])('reads %s', (_name, text, events, rest) => {
    expect(splitEvents(text)).toEqual({ events, rest });
  });
});

describe('readEvents', () => {
  it('joins what comes in pieces, and ends with the stream', async () => {
    const stream = new Stream();
    const events: string[] = [];
    let signs = 0;
    const read = readEvents(
      stream.body,
      data => events.push(data),
      () => (signs += 1)
    );
    stream.write('data: "–');
    stream.write('"\n');
    stream.write('\n: alive\n\n');
    stream.end();
    await read;
    expect(events).toEqual(['"–"']);
    expect(signs).toBe(3);
  });

  it('lets go of a stream that it cannot make sense of', async () => {
    const stream = new Stream();
    const read = readEvents(
      stream.body,
      () => {
        throw new Error('no');
      },
      () => undefined
    );
    stream.write('data: 1\n\n');
    await expect(read).rejects.toThrow('no');
    expect(stream.cancelled).toBe(true);
  });
});
