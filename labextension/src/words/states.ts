/** What a state of the GPUs means, in words. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IGpus, IWorkspace, State } from '../wire';

/** The heading is ours and translated, the details are the server's words. */
export interface INotice {
  heading: string;
  message: string;
  hint: string;
}

/** The words for all states but `ok`. */
export function stateNotice(gpus: IGpus, trans: TranslationBundle): INotice {
  const headings: Record<State, string> = {
    ok: trans.__('No GPU was found'),
    starting: trans.__('Asking the GPU driver …'),
    no_gpu: trans.__('No GPU in this workspace'),
    no_device: trans.__('The GPU is not to be seen'),
    library_missing: trans.__('The GPU library is missing'),
    driver_missing: trans.__('The GPU driver is missing'),
    driver_error: trans.__('The GPU driver reports an error'),
    driver_hung: trans.__('The GPU driver does not answer'),
    unsupported_vendor: trans.__('No figures for this kind of GPU yet')
  };
  return { heading: headings[gpus.state], message: gpus.message, hint: gpus.hint };
}

/** Nothing has answered yet. */
export function loadingNotice(trans: TranslationBundle): INotice {
  return { heading: trans.__('Asking the workspace …'), message: '', hint: '' };
}

/** Nothing answers any more. */
export function awayNotice(trans: TranslationBundle): INotice {
  return {
    heading: trans.__('The workspace does not answer'),
    message: trans.__('It is asked again by itself.'),
    hint: trans.__('If it was stopped, start it again on the hub’s home page.')
  };
}

/** Whether a state is as it should be, so that it is told without alarm. */
export function isCalm(state: State): boolean {
  return (
    state === 'ok' || state === 'starting' || state === 'no_gpu' || state === 'unsupported_vendor'
  );
}

/** What a fallback means for a person, or null when the image is the one that was asked for. */
export function fallbackSentence(workspace: IWorkspace, trans: TranslationBundle): string | null {
  if (workspace.fallback_reason === null) {
    return null;
  }
  return workspace.requested_image === null
    ? trans.__(
        'This workspace runs %1 in place of your first choice.',
        workspace.image.display_name
      )
    : trans.__(
        'This workspace runs %1 in place of %2.',
        workspace.image.display_name,
        workspace.requested_image.display_name
      );
}
