/** Figures and rules in words. Pure: the translation and the locale are handed in. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IGpusReply, IWorkspace, State } from './wire';

const GIB = 1024 ** 3;

/** Stands where a driver reports nothing. */
export const UNKNOWN = '–';

export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${Math.round(value)} %`;
}

export function celsius(value: number | null): string {
  return value === null ? UNKNOWN : `${Math.round(value)} °C`;
}

/** "23.4 / 80 GiB", or what is known of it. */
export function memory(used: number | null, total: number | null): string {
  if (used === null) {
    return UNKNOWN;
  }
  return total === null ? `${gib(used)} GiB` : `${gib(used)} / ${gib(total)} GiB`;
}

/** "147 / 400 W", or what is known of it. */
export function power(watts: number | null, limit: number | null): string {
  if (watts === null) {
    return UNKNOWN;
  }
  return limit === null
    ? `${Math.round(watts)} W`
    : `${Math.round(watts)} / ${Math.round(limit)} W`;
}

function gib(bytes: number): string {
  const value = bytes / GIB;
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

/** "1 day 2 hours", "45 minutes": the two largest units that are not zero. */
export function duration(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) {
    return trans._n('%1 second', '%1 seconds', Math.round(seconds));
  }
  const parts: string[] = [];
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  if (days > 0) {
    parts.push(trans._n('%1 day', '%1 days', days));
  }
  if (hours > 0) {
    parts.push(trans._n('%1 hour', '%1 hours', hours));
  }
  if (minutes % 60 > 0) {
    parts.push(trans._n('%1 minute', '%1 minutes', minutes % 60));
  }
  return parts.slice(0, 2).join(' ');
}

/** A moment as a person of this locale writes it, or nothing when it is none. */
export function moment(iso: string | null, locale?: string, addSeconds = 0): string | null {
  const time = iso === null ? NaN : Date.parse(iso);
  if (Number.isNaN(time)) {
    return null;
  }
  const format = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit'
  });
  return format.format(time + addSeconds * 1000);
}

/** When this workspace is stopped by itself, one sentence for each rule. */
export function stopRules(
  workspace: IWorkspace,
  trans: TranslationBundle,
  locale?: string
): string[] {
  const rules: string[] = [];
  const timeout = workspace.idle.timeout_seconds;
  if (timeout === null) {
    rules.push(trans.__('It is not stopped for being idle.'));
  } else if (workspace.profile.resource === null) {
    rules.push(
      trans.__(
        'It is stopped after %1 without activity. What counts: a page of it in view, a running cell or terminal.',
        duration(timeout, trans)
      )
    );
  } else {
    rules.push(
      trans.__(
        'It is stopped after %1 without activity. What counts: a page of it in view, a running cell or terminal, a GPU at %2 % or more.',
        duration(timeout, trans),
        workspace.idle.gpu_busy_percent
      )
    );
  }
  const lifetime = workspace.max_lifetime_seconds;
  if (lifetime !== null) {
    const end = moment(workspace.started_at, locale, lifetime);
    rules.push(
      end === null
        ? trans.__('It is stopped %1 after its start in any case.', duration(lifetime, trans))
        : trans.__('It is stopped at %1 in any case.', end)
    );
  }
  return rules;
}

/** What a stop gives back and keeps. */
export function stopPromise(workspace: IWorkspace | null, trans: TranslationBundle): string {
  return workspace !== null && workspace.profile.resource === null
    ? trans.__('Your files are kept.')
    : trans.__('Gives the GPU back. Your files are kept.');
}

/** What a state means and what to do; the heading is ours, the details are the server's words. */
export interface INotice {
  heading: string;
  message: string;
  hint: string;
}

/** The words for all states but `ok`. */
export function stateNotice(reply: IGpusReply, trans: TranslationBundle): INotice {
  const headings: Record<State, string> = {
    ok: '',
    starting: trans.__('Asking the GPU driver …'),
    no_gpu: trans.__('No GPU in this workspace'),
    no_device: trans.__('The GPU is not to be seen'),
    library_missing: trans.__('NVIDIA’s library is missing'),
    driver_missing: trans.__('The GPU driver is missing'),
    driver_error: trans.__('The GPU driver reports an error'),
    unsupported_vendor: trans.__('No figures for this kind of GPU yet')
  };
  return { heading: headings[reply.state], message: reply.message, hint: reply.hint };
}

/** What a fallback means for a person, or null when the image is the one that was asked for. */
export function fallbackSentence(workspace: IWorkspace, trans: TranslationBundle): string | null {
  if (workspace.fallback_reason === null) {
    return null;
  }
  return workspace.requested_image === null
    ? trans.__(
        'This workspace runs %1 in place of your first choice.',
        workspace.image.display_name
      )
    : trans.__(
        'This workspace runs %1 in place of %2.',
        workspace.image.display_name,
        workspace.requested_image.display_name
      );
}
