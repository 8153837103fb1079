/** A state that is not figures: what is the case, why, and what to do. */

import * as React from 'react';
import type { IWarning } from '../wire';
import type { INotice } from '../words/states';

export interface INoticeProps {
  notice: INotice;
  kind: 'plain' | 'warning';
}

export function Notice({ notice, kind }: INoticeProps): React.JSX.Element {
  return (
    <section className="st-Card st-Notice" data-kind={kind} role="status">
      <h3 className="st-Card-heading">{notice.heading}</h3>
      {notice.message !== '' && <p>{notice.message}</p>}
      {notice.hint !== '' && <p className="st-Notice-hint">{notice.hint}</p>}
    </section>
  );
}

/** What a card of the panel says itself, in its place. */
const SAID_ELSEWHERE = ['gpu_lost', 'throttled', 'xid', 'ecc'];

/** The server's warnings that no card tells already. */
export function Warnings({ warnings }: { warnings: readonly IWarning[] }): React.JSX.Element {
  return (
    <>
      {warnings
        .filter(warning => !SAID_ELSEWHERE.includes(warning.code))
        .map(warning => (
          <div key={warning.code} className="st-Banner" role="status" data-code={warning.code}>
            <strong>{warning.message}</strong>
            {warning.hint !== '' && <p>{warning.hint}</p>}
          </div>
        ))}
    </>
  );
}
