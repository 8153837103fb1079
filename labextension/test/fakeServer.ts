/** A server for tests: answers each request as it is told, and remembers them. */

import { ServerConnection } from '@jupyterlab/services';

export type Answer = { status: number; body: unknown } | Error | Stream;

/** A stream of events that the test writes. */
export class Stream {
  readonly body: ReadableStream<Uint8Array>;

  constructor() {
    this.body = new ReadableStream<Uint8Array>({
      start: controller => {
        this._controller = controller;
      },
      cancel: () => {
        this.cancelled = true;
      }
    });
  }

  cancelled = false;

  send(state: unknown): void {
    this.write(`event: state\ndata: ${JSON.stringify(state)}\n\n`);
  }

  write(text: string): void {
    this._controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this._controller?.close();
  }

  /** What a browser does when the page lets go of the answer. */
  cut(): void {
    this.cancelled = true;
    try {
      this.break();
    } catch {
      // It had ended before.
    }
  }

  /** Breaks it as a connection breaks. */
  break(): void {
    this._controller?.error(new TypeError('network error'));
  }

  private _controller: ReadableStreamDefaultController<Uint8Array> | null = null;
}

export class FakeServer {
  readonly requests: Request[] = [];
  answer: (url: string) => Answer = () => ({ status: 200, body: {} });

  readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1:1/user/ada/',
    token: '',
    fetch: (input: RequestInfo | URL) => this._fetch(input as Request)
  });

  /** What was asked, without what stands in front of it. */
  get asked(): string[] {
    return this.requests.map(({ method, url }) => {
      const path = url
        .replace(/^.*\/jupyterlab_studiolo\/api\/v1\//, '')
        .replace(/[?&]\d{5,}$/, '');
      return `${method} ${path}`;
    });
  }

  private async _fetch(request: Request): Promise<Response> {
    await Promise.resolve();
    this.requests.push(request);
    const answer = this.answer(request.url);
    if (answer instanceof Error) {
      throw answer;
    }
    if (answer instanceof Stream) {
      request.signal.addEventListener('abort', () => {
        answer.cut();
      });
      return new Response(answer.body, { status: 200 });
    }
    const { body, status } = answer;
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
  }
}
