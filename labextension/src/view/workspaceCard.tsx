/** What this workspace runs, why, and when it is stopped. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { fallbackSentence, moment, stopRules } from '../format';
import type { IWorkspace } from '../wire';

export interface IWorkspaceCardProps {
  workspace: IWorkspace;
  trans: TranslationBundle;
  locale?: string;
}

export function WorkspaceCard(props: IWorkspaceCardProps): React.JSX.Element {
  const { workspace, trans, locale } = props;
  const since = moment(workspace.started_at, locale);
  return (
    <section className="st-Card" aria-labelledby="st-workspace">
      <h3 className="st-Card-heading" id="st-workspace">
        {trans.__('Workspace')}
      </h3>
      <dl className="st-Facts">
        <dt>{trans.__('Image')}</dt>
        <dd title={workspace.image.digest ?? workspace.image.reference ?? undefined}>
          {workspace.image.display_name}
        </dd>
        <dt>{trans.__('Profile')}</dt>
        <dd>{workspace.profile.display_name}</dd>
        {since !== null && (
          <>
            <dt>{trans.__('Since')}</dt>
            <dd>{since}</dd>
          </>
        )}
      </dl>
      {stopRules(workspace, trans, locale).map(rule => (
        <p className="st-Rule" key={rule}>
          {rule}
        </p>
      ))}
    </section>
  );
}

/** Says that another image runs than the one that was asked for, and why. */
export function Fallback(props: {
  workspace: IWorkspace;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const sentence = fallbackSentence(props.workspace, props.trans);
  if (sentence === null) {
    return null;
  }
  return (
    <div className="st-Fallback" role="note">
      <strong>{sentence}</strong>
      <p>{props.workspace.fallback_reason}</p>
    </div>
  );
}
