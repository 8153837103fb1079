/**
 * What a person can do with the workspace. Each of these asks in a dialog of its own, but for
 * `keepAlive`, which is for buttons that nobody but the person can press. Loaded when first needed.
 */

import { Dialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { post, request } from '../request';
import type { IChoices, IKernel } from '../wire';
import { parseChoices, parseDeparture, parseKept } from '../wire';
import { faultText } from '../words/faults';
import { bytes, moment } from '../words/figures';
import { fallbackSentence } from '../words/states';
import { keptUntil, stopPromise } from '../words/stops';
import { hubAddress, hubHome } from './address';
import { profileOptions } from './profiles';
import { type IActionContext, leave, oneAtATime } from './leave';

export type { IActionContext } from './leave';

export function stopWorkspace(context: IActionContext): Promise<void> {
  const { studiolo, trans } = context;
  const promise = stopPromise(studiolo.feed.state?.workspace ?? null, trans);
  return oneAtATime(() =>
    leave(context, {
      title: trans.__('Stop this workspace?'),
      intro: trans.__('Every program in it ends. %1', promise),
      accept: trans.__('Stop workspace'),
      progress: trans.__('Stopping the workspace …'),
      failed: trans.__('The workspace was not stopped'),
      act: async settings => {
        const { url } = parseDeparture(await post('stop', settings));
        return url === null ? hubHome() : hubAddress(url);
      }
    })
  );
}

export function parkGpu(context: IActionContext): Promise<void> {
  const { trans } = context;
  return oneAtATime(async () => {
    const choices = await choicesOf(context);
    if (choices === null) {
      return;
    }
    if (choices.park === null) {
      await showErrorMessage(
        trans.__('There is nothing to park'),
        trans.__('There is no profile without a GPU that this workspace could be restarted on.')
      );
      return;
    }
    await leave(context, {
      title: trans.__('Park the GPU?'),
      intro: trans.__(
        'The GPU is given back, and the workspace starts again on “%1” with the same files. Every program in it ends.',
        choices.park.display_name
      ),
      accept: trans.__('Park the GPU'),
      ...restartWords(context),
      act: async settings => hubAddress(parseDeparture(await post('park', settings)).url ?? '')
    });
  });
}

export function restartWithProfile(context: IActionContext): Promise<void> {
  const { trans } = context;
  return oneAtATime(async () => {
    const choices = await choicesOf(context);
    if (choices === null) {
      return;
    }
    await leave(context, {
      title: trans.__('Restart with another profile'),
      intro: trans.__('The workspace starts again with the same files. Every program in it ends.'),
      accept: trans.__('Restart'),
      options: profileOptions(choices),
      ...restartWords(context),
      act: (settings, profile) => restart(settings, { profile: profile ?? choices.current.profile })
    });
  });
}

export function tryFirstChoice(context: IActionContext): Promise<void> {
  const { studiolo, trans } = context;
  const workspace = studiolo.feed.state?.workspace ?? null;
  return oneAtATime(() =>
    leave(context, {
      title: trans.__('Try your first choice again?'),
      intro: [
        workspace && fallbackSentence(workspace, trans),
        trans.__(
          'The workspace starts again with the image that you chose and the same files. Every program in it ends.'
        )
      ]
        .filter(Boolean)
        .join(' '),
      accept: trans.__('Try it again'),
      ...restartWords(context),
      act: settings => restart(settings, { first_choice: true })
    })
  );
}

/** Asks first: for whatever runs the command. */
export function askKeepAlive(context: IActionContext): Promise<void> {
  const { studiolo, trans, locale } = context;
  return oneAtATime(async () => {
    const { state } = studiolo.feed;
    const offer = state?.actions.keep_alive;
    if (state === null || offer?.offered !== true) {
      await showErrorMessage(
        trans.__('The workspace cannot be kept alive'),
        offer?.reason ?? trans.__('The workspace does not answer.')
      );
      return;
    }
    const now = studiolo.feed.now();
    const answer = await showDialog({
      title: trans.__('Keep this workspace alive?'),
      body: trans.__(
        'It is then not stopped for being idle until %1.',
        moment(keptUntil(state.stops, now), now, locale)
      ),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Keep alive') })],
      defaultButton: 0
    });
    if (answer.button.accept) {
      await keepAlive(context);
    }
  });
}

/** Holds off the idle stop as long as the policy allows, and says until when. */
export async function keepAlive(context: IActionContext): Promise<void> {
  const { app, studiolo, trans, locale } = context;
  try {
    const kept = parseKept(await post('keep-alive', app.serviceManager.serverSettings));
    Notification.success(
      trans.__('Kept alive until %1.', moment(kept.until, studiolo.feed.now(), locale)),
      { autoClose: 5000 }
    );
  } catch (error) {
    await showErrorMessage(trans.__('The workspace is not kept alive'), faultText(error, trans));
  }
  await studiolo.feed.ask();
}

/** Shuts one kernel down. */
export function stopKernel(context: IActionContext, kernel: IKernel): Promise<void> {
  const { app, studiolo, trans } = context;
  return oneAtATime(async () => {
    const held =
      kernel.gpu_memory_bytes === null
        ? ''
        : trans.__(' It gives back %1 of GPU memory.', bytes(kernel.gpu_memory_bytes, trans));
    const answer = await showDialog({
      title: trans.__('Stop the kernel of %1?', kernel.title),
      body: trans.__('Its variables are lost; the document stays.') + held,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Stop kernel') })],
      defaultButton: 0
    });
    if (answer.button.accept) {
      try {
        await app.serviceManager.kernels.shutdown(kernel.id);
      } catch (error) {
        await showErrorMessage(trans.__('The kernel was not stopped'), faultText(error, trans));
      }
      await studiolo.feed.ask();
    }
  });
}

function restartWords({ trans }: IActionContext): { progress: string; failed: string } {
  return {
    progress: trans.__('Restarting the workspace …'),
    failed: trans.__('The workspace was not restarted')
  };
}

async function restart(
  settings: IActionContext['app']['serviceManager']['serverSettings'],
  wanted: Readonly<Record<string, unknown>>
): Promise<string> {
  return hubAddress(parseDeparture(await post('restart', settings, wanted)).url ?? '');
}

/** What there is to choose; null when that could not be told, which has been said. */
async function choicesOf({ app, trans, status }: IActionContext): Promise<IChoices | null> {
  const busy = status?.setBusy();
  try {
    return parseChoices(await request('choices', app.serviceManager.serverSettings));
  } catch (error) {
    await showErrorMessage(trans.__('The profiles are not known'), faultText(error, trans));
    return null;
  } finally {
    busy?.dispose();
  }
}
