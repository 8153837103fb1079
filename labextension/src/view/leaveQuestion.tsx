/** The body of the dialog before the workspace is left: what happens, what is lost, what is chosen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

const MOST_NAMES = 8;

/** One thing to choose. */
export interface IOption {
  id: string;
  label: string;
  /** Small print: what it is, what is free. */
  details: readonly string[];
  /** Null, or why it cannot be chosen. */
  refusal: string | null;
  /** What runs now. */
  current: boolean;
}

export interface ILossesProps {
  unsaved: readonly string[];
  kernels: number;
  terminals: number;
  trans: TranslationBundle;
}

export interface ILeaveQuestionProps extends ILossesProps {
  intro: string;
  options: readonly IOption[];
  chosen: string | null;
  onChoose: (id: string) => void;
}

export function LeaveQuestionView(props: ILeaveQuestionProps): React.JSX.Element {
  return (
    <>
      <p>{props.intro}</p>
      {props.options.length > 0 && <Options {...props} />}
      <Losses {...props} />
    </>
  );
}

/** What the choice begins with: another than the one that runs, if it can be had. */
export function firstOption(options: readonly IOption[]): string | null {
  const choosable = options.filter(option => option.refusal === null);
  return (choosable.find(option => !option.current) ?? choosable.at(0))?.id ?? null;
}

function Options(props: ILeaveQuestionProps): React.JSX.Element {
  const { trans } = props;
  return (
    <fieldset className="st-Options">
      <legend className="st-Hidden">{trans.__('Profile')}</legend>
      {props.options.map(option => {
        const id = `st-option-${option.id}`;
        return (
          <div key={option.id} className="st-Option" data-refused={option.refusal !== null}>
            <input
              type="radio"
              name="st-option"
              id={id}
              value={option.id}
              checked={option.id === props.chosen}
              disabled={option.refusal !== null}
              aria-describedby={`${id}-details`}
              onChange={() => props.onChoose(option.id)}
            />
            <label htmlFor={id}>
              {option.label}
              {option.current && <span className="st-Badge">{trans.__('runs now')}</span>}
            </label>
            <div className="st-Option-details" id={`${id}-details`}>
              {[...option.details, option.refusal ?? ''].filter(Boolean).map(line => (
                <p key={line}>{line}</p>
              ))}
            </div>
          </div>
        );
      })}
    </fieldset>
  );
}

/** What ends and what would be lost. */
export function Losses(props: ILossesProps): React.JSX.Element {
  const { unsaved, kernels, terminals, trans } = props;
  const more = unsaved.length - MOST_NAMES;
  return (
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
  );
}
