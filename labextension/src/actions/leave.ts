/**
 * Leaving the workspace, whether it is stopped or started again: asks, saves on request, acts, and
 * goes where the answer says.
 *
 * The dialog is part of the action: whatever runs the command, a notebook's HTML included, a person
 * sees the dialog and decides. One dialog at a time. Loaded when it is first needed.
 */

import type { ILabStatus, JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { RequestFault } from '../request';
import type { IStudiolo } from '../tokens';
import type { IOption } from '../view/leaveQuestion';
import { faultText } from '../words/faults';
import { hubHome } from './address';
import { LeaveQuestion } from './leaveQuestion';
import { saveAll, unsavedDocuments } from './documents';

export interface IActionContext {
  app: JupyterFrontEnd;
  documents: IDocumentManager;
  /** Where JupyterLab shows that it is at work; not every front end has it. */
  status: ILabStatus | null;
  studiolo: IStudiolo;
  trans: TranslationBundle;
  locale?: string;
}

/** What is asked and done; all texts are for people. */
export interface IDeparture {
  title: string;
  /** What happens. */
  intro: string;
  accept: string;
  /** While it is done. */
  progress: string;
  /** The heading when it was not done. */
  failed: string;
  /** One of these is to be chosen; none for a plain yes or no. */
  options?: readonly IOption[];
  /** Does it; gives the address to go to. `chosen` is an option's id. */
  act: (settings: ServerConnection.ISettings, chosen: string | null) => Promise<string>;
}

let asking = false;

/** Runs one at a time: a second dialog over the first would hide what is being decided. */
export async function oneAtATime(ask: () => Promise<void>): Promise<void> {
  if (asking) {
    return;
  }
  asking = true;
  try {
    await ask();
  } finally {
    asking = false;
  }
}

/** Asks, and acts if the answer is yes. */
export async function leave(context: IActionContext, departure: IDeparture): Promise<void> {
  const { app, documents, trans } = context;
  const unsaved = unsavedDocuments(app, documents);
  const question = new LeaveQuestion({
    intro: departure.intro,
    options: departure.options ?? [],
    unsaved: unsaved.map(document => document.path),
    kernels: [...app.serviceManager.sessions.running()].length,
    terminals: app.serviceManager.terminals.isAvailable()
      ? [...app.serviceManager.terminals.running()].length
      : 0,
    trans
  });
  const answer = await showDialog({
    title: departure.title,
    body: question,
    checkbox:
      unsaved.length > 0 ? { label: trans.__('Save these documents first'), checked: true } : null,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep working') }),
      Dialog.warnButton({ label: departure.accept })
    ],
    // Enter must not stop anything that was not meant.
    defaultButton: 0
  });
  if (!answer.button.accept) {
    return;
  }
  const failed = answer.isChecked === true ? await saveAll(unsaved) : [];
  if (failed.length > 0) {
    await showErrorMessage(
      departure.failed,
      trans.__('These documents could not be saved: %1', failed.join(', '))
    );
    return;
  }
  await go(context, departure, answer.value ?? null);
}

async function go(
  context: IActionContext,
  departure: IDeparture,
  chosen: string | null
): Promise<void> {
  const { app, documents, status, trans } = context;
  const busy = status?.setBusy();
  const toast = Notification.emit(departure.progress, 'in-progress', { autoClose: false });
  let address = hubHome();
  try {
    address = await departure.act(app.serviceManager.serverSettings, chosen);
  } catch (error) {
    // A workspace that goes away before it has answered is being stopped; the hub's home shows it.
    if (error instanceof RequestFault) {
      Notification.dismiss(toast);
      await showErrorMessage(departure.failed, faultText(error, trans));
      return;
    }
  } finally {
    busy?.dispose();
  }
  // What is not saved by now can not be saved any more; the dialog has said so.
  unsavedDocuments(app, documents).forEach(document => document.giveUp());
  window.location.assign(address);
}
