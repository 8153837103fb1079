/**
 * Tells in good time that the workspace will be stopped, wherever the person is on the page.
 *
 * A page in view learns it from the feed; a hidden page asks once at the moment that was announced,
 * and marks its tab, so that the warning is not missed for looking elsewhere. One notice for each
 * stop, told again in the last minute; it goes away by itself when the stop does.
 */

import type { IDisposable } from '@lumino/disposable';
import type { StateFeed } from './stateFeed';
import type { IStops } from './wire';
import { secondsLeft } from './words/stops';

/** How the warning is shown; the view of it. */
export interface IAlarm {
  /** Shows or refreshes it. `urgent` once it is the last minute. */
  show(stops: IStops, seconds: number, urgent: boolean): void;
  /** Nothing is to be said any more. */
  clear(): void;
}

export const LAST_MINUTE = 60;

/** How old the state of a page in view may be. */
const WATCH_SECONDS = 60;

/** How often what is left is told anew. */
const TICK_MILLIS = 10000;

/** Timers hold no more. */
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;

export class Countdown implements IDisposable {
  constructor(
    private readonly _feed: StateFeed,
    private readonly _alarm: IAlarm
  ) {
    this._watching = _feed.watch(WATCH_SECONDS);
    _feed.changed.connect(this._tick);
    this._tick();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      this._watching.dispose();
      this._alarm.clear();
      this._feed.changed.disconnect(this._tick);
    }
  }

  private readonly _tick = (): void => {
    window.clearTimeout(this._timer);
    const { state } = this._feed;
    if (state === null) {
      return;
    }
    const { stops } = state;
    const seconds = secondsLeft(stops, this._feed.now());
    this._warned = seconds !== null;
    if (seconds === null) {
      this._alarm.clear();
      const wait = stops.warn_from === null ? Infinity : stops.warn_from - this._feed.now();
      this._after(wait * 1000 + 1000);
      return;
    }
    this._alarm.show(stops, seconds, seconds <= LAST_MINUTE);
    this._after(TICK_MILLIS);
  };

  /** Looks again after a while; a page that is hidden has no stream and asks for itself. */
  private _after(millis: number): void {
    if (millis < LONGEST_TIMER_MILLIS) {
      this._timer = window.setTimeout(
        () => {
          const age = this._feed.now() - (this._feed.state?.at ?? 0);
          if (document.hidden && (!this._warned || age >= WATCH_SECONDS)) {
            void this._feed.ask();
          } else {
            this._tick();
          }
        },
        Math.max(1000, millis)
      );
    }
  }

  private readonly _watching: IDisposable;
  private _timer = 0;
  private _warned = false;
  private _isDisposed = false;
}
