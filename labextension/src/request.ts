/** One way to the server extension. I/O: HTTP, with JupyterLab's own settings (base URL, XSRF, token). */

import { ServerConnection } from '@jupyterlab/services';

/** `Error` in openapi.json: a label, what was refused, and what to do if anything. */
export interface IRefusal {
  readonly reason: string;
  readonly message: string;
  readonly hint?: string;
}

/** The server extension refused or failed. The message is in English: for people, `translated`. */
export class RequestFault extends Error {
  constructor(
    readonly refusal: IRefusal,
    readonly status: number
  ) {
    super(refusal.message);
    this.name = 'RequestFault';
  }
}

/** Nothing answered that is our server extension: the network, a proxy, a server that has gone. */
export class ServerAway extends Error {
  constructor() {
    super('The workspace does not answer.');
    this.name = 'ServerAway';
  }
}

/**
 * Calls `jupyterlab_studiolo/api/v1/<path>` and gives the JSON of a success. Throws RequestFault when the
 * extension says no, and ServerAway when something else, or nothing, answers.
 */
export async function request(
  path: string,
  settings: ServerConnection.ISettings,
  init: RequestInit = {}
): Promise<unknown> {
  const response = await open(path, settings, init);
  try {
    return (await response.json()) as unknown;
  } catch {
    throw new ServerAway();
  }
}

/** Posts JSON. */
export function post(
  path: string,
  settings: ServerConnection.ISettings,
  body: Readonly<Record<string, unknown>> = {}
): Promise<unknown> {
  return request(path, settings, { method: 'POST', body: JSON.stringify(body) });
}

/** The same as `request`, with the answer's body still to be read. */
export async function open(
  path: string,
  settings: ServerConnection.ISettings,
  init: RequestInit = {}
): Promise<Response> {
  const url = new URL(`jupyterlab_studiolo/api/v1/${path}`, settings.baseUrl).href;
  let response: Response;
  let body: unknown;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
    if (response.ok) {
      return response;
    }
    body = await response.json();
  } catch {
    throw new ServerAway();
  }
  // A hub's or a proxy's error is no error of the extension's, whatever it looks like.
  if (!isRefusal(body)) {
    throw new ServerAway();
  }
  throw new RequestFault(body, response.status);
}

function isRefusal(body: unknown): body is IRefusal {
  const { reason, message } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return typeof reason === 'string' && typeof message === 'string';
}
