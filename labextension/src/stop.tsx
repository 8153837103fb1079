/**
 * Stopping the workspace: asks, saves on request, tells the server, and leaves for the hub's home.
 *
 * The dialog is part of the command: whatever runs the command, a notebook's HTML included, a
 * person sees the dialog and decides. Loaded when it is first needed.
 */

import type { ILabStatus, JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { stopPromise } from './format';
import { request, RequestFault } from './request';
import type { IWorkspaceInfo } from './tokens';
import type { IWorkspace } from './wire';
import { StopQuestion } from './view/stopQuestion';

export interface IStopOptions {
  app: JupyterFrontEnd;
  documents: IDocumentManager;
  /** Where JupyterLab shows that it is at work; not every front end has it. */
  status: ILabStatus | null;
  workspace: IWorkspaceInfo;
  trans: TranslationBundle;
}

/** A document with changes that are not on disk. */
interface IUnsaved {
  path: string;
  save: () => Promise<void>;
  /** Takes the changes for nothing, so that the browser does not ask about them on leaving. */
  giveUp: () => void;
}

let asking = false;

/** Asks; and stops the workspace if the answer is yes. One dialog at a time. */
export async function stopWorkspace(options: IStopOptions): Promise<void> {
  if (asking) {
    return;
  }
  asking = true;
  try {
    const unsaved = unsavedDocuments(options);
    const answer = await ask(options, unsaved);
    if (!answer.button.accept) {
      return;
    }
    if (answer.isChecked === true && !(await saveAll(unsaved, options.trans))) {
      return;
    }
    await stop(options);
  } finally {
    asking = false;
  }
}

async function ask(
  options: IStopOptions,
  unsaved: readonly IUnsaved[]
): Promise<Dialog.IResult<unknown>> {
  const { app, trans } = options;
  const kernels = [...app.serviceManager.sessions.running()].length;
  const terminals = app.serviceManager.terminals.isAvailable()
    ? [...app.serviceManager.terminals.running()].length
    : 0;
  return showDialog({
    title: trans.__('Stop this workspace?'),
    body: (
      <StopQuestion
        unsaved={unsaved.map(document => document.path)}
        kernels={kernels}
        terminals={terminals}
        promise={stopPromise(await workspaceOf(options), trans)}
        trans={trans}
      />
    ),
    checkbox:
      unsaved.length > 0 ? { label: trans.__('Save these documents first'), checked: true } : null,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep working') }),
      Dialog.warnButton({ label: trans.__('Stop workspace') })
    ],
    // Enter must not stop anything that was not meant.
    defaultButton: 0
  });
}

/** Null when it cannot be told: that must not stand in the way of a stop. */
async function workspaceOf({ workspace }: IStopOptions): Promise<IWorkspace | null> {
  try {
    return (await workspace.get()).workspace;
  } catch {
    return null;
  }
}

function unsavedDocuments({ app, documents }: IStopOptions): IUnsaved[] {
  const unsaved = new Map<string, IUnsaved>();
  for (const widget of app.shell.widgets('main')) {
    const context = documents.contextForWidget(widget);
    if (context?.model.dirty && !context.model.readOnly) {
      const { path, model } = context;
      unsaved.set(path, {
        path,
        save: () => context.save(),
        giveUp: () => {
          model.dirty = false;
        }
      });
    }
  }
  return [...unsaved.values()];
}

/** False when a document could not be saved; it has been said which. */
async function saveAll(unsaved: readonly IUnsaved[], trans: TranslationBundle): Promise<boolean> {
  const failed: string[] = [];
  for (const document of unsaved) {
    try {
      await document.save();
    } catch {
      failed.push(document.path);
    }
  }
  if (failed.length > 0) {
    await showErrorMessage(
      trans.__('The workspace was not stopped'),
      trans.__('These documents could not be saved: %1', failed.join(', '))
    );
  }
  return failed.length === 0;
}

async function stop(options: IStopOptions): Promise<void> {
  const { app, status, trans } = options;
  const busy = status?.setBusy();
  const toast = Notification.emit(trans.__('Stopping the workspace …'), 'in-progress', {
    autoClose: false
  });
  try {
    await request('stop', app.serviceManager.serverSettings, { method: 'POST' });
  } catch (error) {
    // A workspace that goes away before it has answered is being stopped; the hub's home shows it.
    if (error instanceof RequestFault) {
      Notification.dismiss(toast);
      await showErrorMessage(trans.__('The workspace was not stopped'), error.message);
      return;
    }
  } finally {
    busy?.dispose();
  }
  // What is not saved by now can not be saved any more; the dialog has said so.
  unsavedDocuments(options).forEach(document => document.giveUp());
  window.location.assign(hubHome());
}

/** The hub's page with the user's workspaces, from the hub's own description of this page. */
export function hubHome(): string {
  return (
    PageConfig.getOption('hubHost') + URLExt.join(PageConfig.getOption('hubPrefix') || '/', 'home')
  );
}
