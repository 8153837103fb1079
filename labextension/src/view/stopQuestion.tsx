/** The body of the dialog before a stop: what is kept, and what is lost. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

const MOST_NAMES = 8;

export interface IStopQuestionProps {
  unsaved: readonly string[];
  kernels: number;
  terminals: number;
  /** What is given back and kept. */
  promise: string;
  trans: TranslationBundle;
}

export function StopQuestion(props: IStopQuestionProps): React.JSX.Element {
  const { unsaved, kernels, terminals, trans } = props;
  const more = unsaved.length - MOST_NAMES;
  return (
    <div className="st-StopQuestion">
      <p>{trans.__('Every program in it ends. %1', props.promise)}</p>
      <ul>
        {kernels > 0 && (
          <li>
            {trans._n(
              '%1 running kernel ends: its variables are lost.',
              '%1 running kernels end: their variables are lost.',
              kernels
            )}
          </li>
        )}
        {terminals > 0 && (
          <li>
            {trans._n('%1 open terminal is closed.', '%1 open terminals are closed.', terminals)}
          </li>
        )}
        {unsaved.length > 0 && (
          <li>
            {trans._n('%1 document is not saved:', '%1 documents are not saved:', unsaved.length)}
            <ul>
              {unsaved.slice(0, MOST_NAMES).map(path => (
                <li key={path}>
                  <code>{path}</code>
                </li>
              ))}
              {more > 0 && <li>{trans._n('and %1 more', 'and %1 more', more)}</li>}
            </ul>
          </li>
        )}
      </ul>
    </div>
  );
}
