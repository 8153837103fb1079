/**
 * What is left before the stop, and the button that holds it off. Eyes see each second; a screen
 * reader is told each minute.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IState } from '../wire';
import { clock, moment } from '../words/figures';
import { countdownSentence, keptUntil, secondsLeft, stopReason } from '../words/stops';

export interface ICountdownProps {
  state: IState;
  now: number;
  onKeepAlive: () => void;
  trans: TranslationBundle;
  locale?: string;
}

export function CountdownBanner(props: ICountdownProps): React.JSX.Element | null {
  const { state, now, trans, locale } = props;
  const left = secondsLeft(state.stops, now);
  if (left === null) {
    return null;
  }
  const { offered, reason } = state.actions.keep_alive;
  const sentence = countdownSentence(left, trans);
  return (
    <div className="st-Banner st-Countdown" data-urgent={left < 60}>
      <span className="st-Hidden" role="status">
        {sentence}
      </span>
      <strong aria-hidden="true">
        {trans.__('This workspace stops in')} <span className="st-Clock">{clock(left)}</span>
      </strong>
      <p>{stopReason(state.stops, trans)}</p>
      {offered ? (
        <button
          type="button"
          className="jp-mod-styled jp-mod-accept st-Button"
          onClick={props.onKeepAlive}
        >
          {trans.__('Keep alive until %1', moment(keptUntil(state.stops, now), now, locale))}
        </button>
      ) : (
        reason !== null && <p className="st-Rule">{reason}</p>
      )}
    </div>
  );
}
