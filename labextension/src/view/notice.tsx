/** A state that is not figures: what is the case, why, and what to do. */

import * as React from 'react';
import type { INotice } from '../format';

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
