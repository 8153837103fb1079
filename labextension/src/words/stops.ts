/** When and why the workspace is stopped by itself, in words. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IState, IStops, IWorkspace } from '../wire';
import { duration, moment } from './figures';

/** The rules by which it is stopped, one sentence for each. */
export function stopRules(
  workspace: IWorkspace,
  now: number,
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
    const start = Date.parse(workspace.started_at ?? '') / 1000;
    rules.push(
      Number.isNaN(start)
        ? trans.__('It is stopped %1 after its start in any case.', duration(lifetime, trans))
        : trans.__('It is stopped at %1 in any case.', moment(start + lifetime, now, locale))
    );
  }
  return rules;
}

/** What holds off the idle stop now, in the server's words; empty when nothing does. */
export function whatIsBusy(state: IState): string[] {
  return state.activity.sources
    .filter(source => source.busy && source.text !== '')
    .map(source => source.text);
}

/** Seconds until the stop, once it is time to say so; null otherwise. */
export function secondsLeft(stops: IStops, now: number): number | null {
  if (stops.at === null || !(stops.warn || (stops.warn_from !== null && now >= stops.warn_from))) {
    return null;
  }
  return Math.max(0, stops.at - now);
}

/** Why it is stopped, as the end of a sentence that says when. */
export function stopReason(stops: IStops, trans: TranslationBundle): string {
  if (stops.reason === 'max_lifetime') {
    return trans.__('It has come to the end of its longest run, used or not.');
  }
  return stops.reason === 'idle' ? trans.__('Nobody has used it for a while.') : stops.message;
}

/** "This workspace stops in 4 minutes." In steps, so that a screen reader is not told each second. */
export function countdownSentence(seconds: number, trans: TranslationBundle): string {
  return seconds < 60
    ? trans.__('This workspace stops in less than a minute.')
    : trans.__('This workspace stops in %1.', duration(Math.floor(seconds / 60) * 60, trans));
}

/** Until when a press of Keep alive would hold: never beyond the longest run. */
export function keptUntil(stops: IStops, now: number): number {
  return Math.min(now + stops.keep_alive.longest_seconds, stops.lifetime_at ?? Infinity);
}

/** When it is stopped as things are now, and why; one line for each part of the answer. */
export function stopLines(
  state: IState,
  now: number,
  trans: TranslationBundle,
  locale?: string
): string[] {
  const { stops } = state;
  const lines: string[] = [];
  if (stops.keep_alive.until !== null && stops.keep_alive.until > now) {
    lines.push(trans.__('Kept alive until %1.', moment(stops.keep_alive.until, now, locale)));
  }
  if (stops.at === null) {
    lines.push(trans.__('It is not stopped by itself.'));
  } else if (stops.reason === 'max_lifetime') {
    const at = moment(stops.at, now, locale);
    lines.push(trans.__('Stops at %1, the end of its longest run, used or not.', at));
  } else {
    const at = moment(stops.at, now, locale);
    const busy = whatIsBusy(state);
    lines.push(
      busy.length > 0
        ? trans.__('In use: %2 It does not stop before %1.', at, busy.join(' '))
        : trans.__('Stops at %1 if nobody uses it until then.', at)
    );
  }
  return lines;
}

/** What a stop gives back and keeps. */
export function stopPromise(workspace: IWorkspace | null, trans: TranslationBundle): string {
  return (workspace?.profile.resource ?? null) === null
    ? trans.__('Your files are kept.')
    : trans.__('Gives the GPU back. Your files are kept.');
}
