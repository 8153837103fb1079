import { request, RequestFault, ServerAway } from '../src/request';
import { FakeServer } from './fakeServer';

describe('request', () => {
  it('asks below the server’s base URL', async () => {
    const server = new FakeServer();
    server.answer = () => ({ status: 200, body: { a: 1 } });
    await expect(request('gpus?window=60', server.settings)).resolves.toEqual({ a: 1 });
    const [asked] = server.requests;
    expect(asked?.method).toBe('GET');
    expect(asked?.url).toContain(
      'http://127.0.0.1:1/user/ada/jupyterlab_studiolo/api/v1/gpus?window=60'
    );
  });

  it('gives the extension’s own words', async () => {
    const server = new FakeServer();
    const refusal = { reason: 'not_owner', message: 'Not yours.' };
    server.answer = () => ({ status: 403, body: refusal });
    const answer = request('stop', server.settings, { method: 'POST' });
    await expect(answer).rejects.toEqual(new RequestFault(refusal, 403));
    expect(server.requests[0]?.method).toBe('POST');
  });

  it.each([
    ['a network that is down', new TypeError('fetch failed')],
    ['a page in place of JSON', { status: 200, body: '<html>' }],
    ['a hub’s page', { status: 503, body: '<html>' }],
    ['a hub’s JSON', { status: 424, body: { message: 'ada is not running' } }],
    ['jupyter_server’s JSON', { status: 403, body: { message: 'Forbidden', reason: null } }]
  ])('tells %s from a refusal', async (_name, answer) => {
    const server = new FakeServer();
    server.answer = () => answer;
    await expect(request('gpus', server.settings)).rejects.toBeInstanceOf(ServerAway);
  });
});
