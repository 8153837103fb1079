/**
 * The past of the figures for the span that is shown: asked for once, and after each time in which
 * the feed was silent; what comes in between is put at its end.
 */

import type { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { append, NO_HISTORY } from './past';
import { request } from './request';
import type { StateFeed } from './stateFeed';
import { type IHistory, parseHistory } from './wire';

/** A silence longer than this many samples leaves a hole that the server can fill. */
const HOLE_SAMPLES = 4;

export class PastModel implements IDisposable {
  constructor(
    private readonly _feed: StateFeed,
    private readonly _settings: ServerConnection.ISettings,
    minutes: number
  ) {
    this._minutes = minutes;
    _feed.changed.connect(this._onState);
    void this._load();
  }

  get history(): IHistory {
    return this._history;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Shows another span; what is there stays until the answer has come. */
  show(minutes: number): void {
    if (minutes !== this._minutes) {
      this._minutes = minutes;
      void this._load();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    this._feed.changed.disconnect(this._onState);
  }

  private async _load(): Promise<void> {
    const minutes = this._minutes;
    this._loading = true;
    try {
      const history = parseHistory(await request(`history?minutes=${minutes}`, this._settings));
      if (minutes === this._minutes) {
        this._history = history;
      }
    } catch {
      // The feed fails too then, and says so; with its next answer this is asked again.
      this._stale = true;
    } finally {
      this._loading = minutes !== this._minutes;
    }
  }

  private readonly _onState = (): void => {
    const { state, error } = this._feed;
    if (error !== null) {
      this._stale = true;
    }
    if (state === null || error !== null || this._loading) {
      return;
    }
    const last = this._history.times.at(-1);
    const interval = state.gpus.interval_seconds ?? 0;
    const hole =
      last !== undefined &&
      state.at - last > HOLE_SAMPLES * Math.max(1, interval, this._history.spacing_seconds);
    if (this._stale || hole) {
      this._stale = false;
      // Should the server have nothing to fill it with, it is a hole, and not asked about again.
      this._history = append(this._history, state, this._minutes * 60);
      void this._load();
    } else {
      this._history = append(this._history, state, this._minutes * 60);
    }
  };

  private _minutes: number;
  private _history: IHistory = NO_HISTORY;
  private _loading = false;
  private _stale = false;
  private _isDisposed = false;
}
