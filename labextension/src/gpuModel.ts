/**
 * The GPUs as the server last told them. Asks only while someone watches and the page is to be seen;
 * asks less often while the server does not answer.
 */

import type { ServerConnection } from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { EMPTY_HISTORY, joinHistory } from './history';
import { request } from './request';
import { type IGpusReply, type IHistory, parseGpus } from './wire';

/** How much of the past is shown. */
export const WINDOW_SECONDS = 600;

const INTERVAL_MILLIS = 2000;
const LONGEST_BACKOFF_MILLIS = 30000;

export class GpuModel implements IDisposable {
  constructor(options: { settings: ServerConnection.ISettings }) {
    this._settings = options.settings;
    this._poll = new Poll({
      auto: false,
      name: 'studiolo:gpus',
      factory: () => this._ask(),
      frequency: { interval: INTERVAL_MILLIS, backoff: true, max: LONGEST_BACKOFF_MILLIS },
      standby: 'when-hidden'
    });
  }

  /** After each answer, and after each failure to get one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last answer; null before the first. */
  get reply(): IGpusReply | null {
    return this._reply;
  }

  /** Why the last question had no answer; null when it had. */
  get error(): Error | null {
    return this._error;
  }

  get history(): IHistory {
    return this._history;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Keeps the model up to date until the result is disposed of. */
  watch(): IDisposable {
    this._watchers += 1;
    if (this._watchers === 1) {
      void this._poll.start();
    }
    return new DisposableDelegate(() => {
      this._watchers -= 1;
      if (this._watchers === 0 && !this.isDisposed) {
        void this._poll.stop();
      }
    });
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  private async _ask(): Promise<void> {
    const newest = this._history.times.at(-1);
    const query = newest === undefined ? `window=${WINDOW_SECONDS}` : `since=${newest}`;
    try {
      const reply = parseGpus(await request(`gpus?${query}`, this._settings));
      this._reply = reply;
      this._error = null;
      this._history = joinHistory(this._history, reply.history, WINDOW_SECONDS);
      if (reply.interval_seconds === null) {
        // The answer is for good: nothing is to be gained by asking again.
        void this._poll.stop();
      }
    } catch (error) {
      this._error = error instanceof Error ? error : new Error(String(error));
      throw this._error; // which is what lets the poll back off
    } finally {
      this._changed.emit();
    }
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _poll: Poll<void, unknown>;
  private readonly _changed = new Signal<this, void>(this);
  private _watchers = 0;
  private _reply: IGpusReply | null = null;
  private _error: Error | null = null;
  private _history: IHistory = EMPTY_HISTORY;
}
