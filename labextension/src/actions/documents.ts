/** The documents with changes that are not on disk: which they are, saving them, giving them up. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IDocumentManager } from '@jupyterlab/docmanager';

export interface IUnsaved {
  path: string;
  save: () => Promise<void>;
  /** Takes the changes for nothing, so that the browser does not ask about them on leaving. */
  giveUp: () => void;
}

/** Each document once, however many views of it are open. */
export function unsavedDocuments(app: JupyterFrontEnd, documents: IDocumentManager): IUnsaved[] {
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

/** Saves them one after the other; the paths of those that could not be saved. */
export async function saveAll(unsaved: readonly IUnsaved[]): Promise<string[]> {
  const failed: string[] = [];
  for (const document of unsaved) {
    try {
      await document.save();
    } catch {
      failed.push(document.path);
    }
  }
  return failed;
}
