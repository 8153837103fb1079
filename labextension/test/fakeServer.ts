/** A server for tests: answers each request as it is told, and remembers them. */

import { ServerConnection } from '@jupyterlab/services';

export type Answer = { status: number; body: unknown } | Error;

export class FakeServer {
  readonly requests: Request[] = [];
  answer: (url: string) => Answer = () => ({ status: 200, body: {} });

  readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1:1/user/ada/',
    token: '',
    fetch: (input: RequestInfo | URL) => this._fetch(input as Request)
  });

  private async _fetch(request: Request): Promise<Response> {
    await Promise.resolve();
    this.requests.push(request);
    const answer = this.answer(request.url);
    if (answer instanceof Error) {
      throw answer;
    }
    const { body, status } = answer;
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
  }
}
