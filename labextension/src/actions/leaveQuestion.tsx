/** A dialog's body whose value is the id of the chosen option, or null when there are none. */

import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { firstOption, type ILeaveQuestionProps, LeaveQuestionView } from '../view/leaveQuestion';

export type ILeaveQuestionOptions = Omit<ILeaveQuestionProps, 'chosen' | 'onChoose'>;

export class LeaveQuestion extends ReactWidget {
  constructor(private readonly _options: ILeaveQuestionOptions) {
    super();
    this.addClass('st-Question');
    this._chosen = firstOption(_options.options);
  }

  getValue(): string | null {
    return this._chosen;
  }

  protected render(): React.JSX.Element {
    return (
      <LeaveQuestionView
        {...this._options}
        chosen={this._chosen}
        onChoose={id => {
          this._chosen = id;
          this.update();
        }}
      />
    );
  }

  private _chosen: string | null;
}
