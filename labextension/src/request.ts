/** One way to the server extension. I/O: HTTP, with JupyterLab's own settings (base URL, XSRF, token). */

import { ServerConnection } from '@jupyterlab/services';

/** The server extension refused or failed. `reason` is its label, the message its words. */
export class RequestFault extends Error {
  constructor(
    readonly reason: string,
    message: string,
    readonly status: number
  ) {
    super(message);
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
 * Calls `studiolo/api/<path>` and gives the JSON of a success. Throws RequestFault when the
 * extension says no, and ServerAway when something else, or nothing, answers.
 */
export async function request(
  path: string,
  settings: ServerConnection.ISettings,
  init: RequestInit = {}
): Promise<unknown> {
  const url = new URL(`studiolo/api/${path}`, settings.baseUrl).href;
  let response: Response;
  let body: unknown;
  try {
    response = await ServerConnection.makeRequest(url, init, settings);
    body = await response.json();
  } catch {
    throw new ServerAway();
  }
  if (response.ok) {
    return body;
  }
  const { reason, message } = (body ?? {}) as { reason?: unknown; message?: unknown };
  // A hub's or a proxy's error is no error of the extension's, whatever it looks like.
  if (typeof reason !== 'string' || typeof message !== 'string') {
    throw new ServerAway();
  }
  throw new RequestFault(reason, message, response.status);
}
