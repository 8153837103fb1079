/** Why something was not done, in words. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { type IRefusal, RequestFault, ServerAway } from '../request';
import { translated } from './said';

/** What was refused and what to do, or what went wrong. */
export function faultText(error: unknown, trans: TranslationBundle): string {
  if (error instanceof RequestFault) {
    const { message, hint } = translated(error.refusal, trans) as IRefusal;
    return [message, hint].filter(Boolean).join(' ');
  }
  if (error instanceof ServerAway) {
    return trans.__('The workspace does not answer.');
  }
  return error instanceof Error ? error.message : String(error);
}
