/**
 * The state of the workspace as the server last told it, for all who show it.
 *
 * One stream for the whole page, open only while someone watches and the page is to be seen, at the
 * pace of the watcher that wants it most often. Where no stream comes through (a proxy that holds
 * answers back), the state is asked for again and again in its place. While nothing answers it is
 * tried less and less often, and by itself.
 */

import type { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { readEvents } from './eventStream';
import { open, request, ServerAway } from './request';
import { type IState, parseState } from './wire';
import { translated } from './words/said';

/** Waits between attempts while nothing answers; a little by chance, so that pages do not march. */
const FIRST_BACKOFF_MILLIS = 1000;
const LONGEST_BACKOFF_MILLIS = 20000;

/** A stream that has said nothing for so long is dead; the server sends a sign of life more often. */
const SILENCE_MILLIS = 45000;

/** A stream whose first event takes longer is held back by something on the way. */
const FIRST_EVENT_MILLIS = 8000;

export interface IStateFeedOptions {
  settings: ServerConnection.ISettings;
  /** What the server says is told in this language. */
  trans: TranslationBundle;
  /** Whose visibility counts. */
  page?: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>;
}

export class StateFeed implements IDisposable {
  constructor(options: IStateFeedOptions) {
    this._settings = options.settings;
    this._trans = options.trans;
    this._page = options.page ?? document;
    this._page.addEventListener('visibilitychange', this._begin);
  }

  /** After each answer, and after each failure to get one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last answer; null before the first. */
  get state(): IState | null {
    return this._state;
  }

  /** Why there is no answer at present; null when there is. */
  get error(): Error | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** What the server's clock says now (Unix seconds), as far as its last answer tells. */
  now(): number {
    return Date.now() / 1000 + this._ahead;
  }

  /** Keeps the state no older than `seconds` until the result is disposed of. */
  watch(seconds: number): IDisposable {
    const watcher = { seconds };
    this._watchers.add(watcher);
    this._adjust();
    return new DisposableDelegate(() => {
      this._watchers.delete(watcher);
      this._adjust();
    });
  }

  /** Asks once, whoever watches: after something was done, or for a page that is hidden. */
  async ask(): Promise<void> {
    try {
      await this._askOnce();
    } catch (error) {
      this._fail(error);
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._page.removeEventListener('visibilitychange', this._begin);
      this._begin();
      Signal.clearData(this);
    }
  }

  private _adjust(): void {
    const wanted = Math.min(...[...this._watchers].map(watcher => watcher.seconds));
    if (wanted !== this._seconds) {
      this._seconds = wanted;
      this._begin();
    }
  }

  /** Ends what is under way, and begins anew where that is wanted now. */
  private readonly _begin = (): void => {
    this._run?.abort();
    this._run = null;
    if (this._seconds !== Infinity && !this._page.hidden && !this._isDisposed) {
      this._run = new AbortController();
      void this._keepUp(this._run.signal, this._seconds);
    }
  };

  private async _keepUp(ended: AbortSignal, seconds: number): Promise<void> {
    let failures = 0;
    const over = (): boolean => ended.aborted;
    while (!over()) {
      try {
        await (this._held ? this._askOnce() : this._read(ended, seconds));
        failures = 0;
      } catch (error) {
        if (over()) {
          return;
        }
        failures += 1;
        this._fail(error);
      }
      await pause(failures > 0 ? backoff(failures) : this._held ? seconds * 1000 : 1000, ended);
    }
  }

  /**
   * Follows a stream to its end. One that ends after it has told something is only opened again;
   * one that could not be opened, or told nothing, throws.
   */
  private async _read(ended: AbortSignal, seconds: number): Promise<void> {
    const stream = new AbortController();
    const cut = (): void => stream.abort();
    ended.addEventListener('abort', cut);
    const seen = { event: false };
    let watchdog = window.setTimeout(cut, FIRST_EVENT_MILLIS);
    try {
      const response = await open(`stream?interval=${seconds}`, this._settings, {
        signal: stream.signal,
        cache: 'no-store',
        headers: { Accept: 'text/event-stream' }
      });
      if (response.body === null) {
        throw new ServerAway();
      }
      await readEvents(
        response.body,
        data => {
          if (!ended.aborted) {
            this._take(JSON.parse(data));
            seen.event = true;
          }
        },
        () => {
          if (seen.event) {
            window.clearTimeout(watchdog);
            watchdog = window.setTimeout(cut, SILENCE_MILLIS);
          }
        }
      );
    } catch (error) {
      if (seen.event || ended.aborted) {
        return;
      }
      if (!stream.signal.aborted) {
        throw error;
      }
    } finally {
      window.clearTimeout(watchdog);
      ended.removeEventListener('abort', cut);
    }
    if (!seen.event && !ended.aborted) {
      // Whether the server or the stream does not come through is told by a plain question.
      await this._askOnce();
      this._held = true;
    }
  }

  private async _askOnce(): Promise<void> {
    this._take(await request('state', this._settings));
  }

  private _take(answer: unknown): void {
    const state = parseState(translated(answer, this._trans));
    this._state = state;
    this._error = null;
    this._ahead = state.at - Date.now() / 1000;
    this._changed.emit();
  }

  private _fail(error: unknown): void {
    this._error = error instanceof Error ? error : new Error(String(error));
    this._changed.emit();
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _trans: TranslationBundle;
  private readonly _page: NonNullable<IStateFeedOptions['page']>;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _watchers = new Set<{ seconds: number }>();
  private _seconds = Infinity;
  private _run: AbortController | null = null;
  /** Whether streams are held back on their way to this page. */
  private _held = false;
  private _state: IState | null = null;
  private _error: Error | null = null;
  private _ahead = 0;
  private _isDisposed = false;
}

function backoff(failures: number): number {
  const most = Math.min(LONGEST_BACKOFF_MILLIS, FIRST_BACKOFF_MILLIS * 2 ** (failures - 1));
  return most * (0.75 + Math.random() / 4);
}

/** Waits, but not beyond the end. */
function pause(millis: number, ended: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      window.clearTimeout(timer);
      ended.removeEventListener('abort', done);
      resolve();
    };
    const timer = window.setTimeout(done, millis);
    ended.addEventListener('abort', done);
  });
}

/** The state as soon as there is one. Somebody else has to watch. */
export function firstState(feed: StateFeed): Promise<IState> {
  return new Promise(resolve => {
    const look = (): void => {
      if (feed.state !== null) {
        feed.changed.disconnect(look);
        resolve(feed.state);
      }
    };
    feed.changed.connect(look);
    look();
  });
}
