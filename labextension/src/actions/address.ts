/** Where the browser goes when the workspace is left. Pure, but for the page's own configuration. */

import { PageConfig, URLExt } from '@jupyterlab/coreutils';

/** The hub's page with the user's workspaces, from the hub's own description of this page. */
export function hubHome(): string {
  return (
    PageConfig.getOption('hubHost') + URLExt.join(PageConfig.getOption('hubPrefix') || '/', 'home')
  );
}

/**
 * An address that the server has named, if it lies on the hub's host below the hub's own prefix;
 * the hub's home otherwise: an answer must never lead the browser to another site.
 */
export function hubAddress(named: string, page = window.location.href): string {
  const home = new URL(hubHome(), page);
  const prefix = new URL('.', home).pathname;
  try {
    const url = new URL(named, home);
    return url.origin === home.origin && url.pathname.startsWith(prefix) ? url.href : home.href;
  } catch {
    return home.href;
  }
}
