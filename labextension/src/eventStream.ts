/**
 * Reads server-sent events from an answer's body. I/O: the body it is given, nothing else.
 *
 * In place of the browser's EventSource, which neither sends JupyterLab's token nor tells why it was
 * refused. https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

/** The data of each complete event in `text`, and what is left of it for the next piece. */
export function splitEvents(text: string): { events: string[]; rest: string } {
  const blocks = text.replace(/\r\n?/g, '\n').split('\n\n');
  const rest = blocks.pop() ?? '';
  const events = blocks
    .map(block =>
      block
        .split('\n')
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice(5).replace(/^ /, ''))
        .join('\n')
    )
    .filter(data => data !== '');
  return { events, rest };
}

/** Calls `onEvent` with the data of each event, and `onLife` with every sign of life. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (data: string) => void,
  onLife: () => void
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const split = splitEvents(rest + decoder.decode(value, { stream: true }));
      rest = split.rest;
      split.events.forEach(onEvent);
      onLife();
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
