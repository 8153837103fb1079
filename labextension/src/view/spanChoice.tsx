/** How much of the past the charts show. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { type Span, SPANS } from '../settings';

export function SpanChoice(props: {
  span: Span;
  onChoose: (span: Span) => void;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { trans } = props;
  return (
    <fieldset className="st-Spans">
      <legend className="st-Hidden">{trans.__('Charts show the last')}</legend>
      {SPANS.map(span => (
        <label key={span} className="st-Span" data-checked={span === props.span}>
          <input
            type="radio"
            name="st-span"
            className="st-Hidden"
            checked={span === props.span}
            onChange={() => props.onChoose(span)}
          />
          {trans._n('%1 min', '%1 min', span)}
        </label>
      ))}
    </fieldset>
  );
}
