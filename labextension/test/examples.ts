/** The examples of the wire formats, which the server's tests read too. */

import { nullTranslator } from '@jupyterlab/translation';
import gpus from '../../tests/contract/gpus.json';
import workspaces from '../../tests/contract/workspace.json';
import { parseGpus, parseWorkspace, type IGpusReply, type IWorkspace } from '../src/wire';

export const trans = nullTranslator.load('jupyterlab_studiolo');

export const gpuExamples: Readonly<Record<string, unknown>> = gpus;
export const workspaceExamples: Readonly<Record<string, unknown>> = workspaces;

export function gpuExample(name: keyof typeof gpus): IGpusReply {
  return parseGpus(gpus[name]);
}

export function workspaceExample(name: keyof typeof workspaces): IWorkspace {
  const { workspace } = parseWorkspace({ version: 1, workspace: workspaces[name], can_stop: true });
  if (workspace === null) {
    throw new Error(`${name} is no workspace`);
  }
  return workspace;
}
