/** What this workspace runs, why, and when it is stopped. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { IState, IWorkspace } from '../wire';
import { moment } from '../words/figures';
import { fallbackSentence } from '../words/states';
import { stopLines, stopRules } from '../words/stops';

export interface IWorkspaceCardProps {
  state: IState;
  workspace: IWorkspace;
  now: number;
  trans: TranslationBundle;
  locale?: string;
}

export function WorkspaceCard(props: IWorkspaceCardProps): React.JSX.Element {
  const { state, workspace, now, trans, locale } = props;
  const since = Date.parse(workspace.started_at ?? '') / 1000;
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
        {!Number.isNaN(since) && (
          <>
            <dt>{trans.__('Since')}</dt>
            <dd>{moment(since, now, locale)}</dd>
          </>
        )}
      </dl>
      {stopLines(state, now, trans, locale).map(line => (
        <p key={line}>{line}</p>
      ))}
      <details className="st-Details">
        <summary>{trans.__('By which rules')}</summary>
        {stopRules(workspace, now, trans, locale).map(rule => (
          <p className="st-Rule" key={rule}>
            {rule}
          </p>
        ))}
      </details>
    </section>
  );
}

/** Says that another image runs than the one that was asked for, and why. */
export function Fallback(props: {
  workspace: IWorkspace;
  /** Tries the first choice again; null where that is not offered. */
  onRetry: (() => void) | null;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  const { workspace, onRetry, trans } = props;
  const sentence = fallbackSentence(workspace, trans);
  if (sentence === null) {
    return null;
  }
  return (
    <div className="st-Banner" role="note">
      <strong>{sentence}</strong>
      <p>{workspace.fallback_reason}</p>
      {onRetry !== null && (
        <button type="button" className="jp-mod-styled jp-mod-minimal st-Button" onClick={onRetry}>
          {trans.__('Try my first choice again…')}
        </button>
      )}
    </div>
  );
}
