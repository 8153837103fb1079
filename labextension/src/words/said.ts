/**
 * The server's sentences in the language of the page. Pure.
 *
 * The server says them in English and puts what they were made of beside them: the parts of `message`
 * are `message_said`. A sentence without parts is in its own language already, such as the hub's.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { list, object, type Reader, text } from '../wire/readers';
import { decimal } from './figures';

/** `Said` in openapi.json: a template as `trans.__` takes it, and what stands at its places. */
interface ISaid {
  template: string;
  values: readonly Value[];
}

type Value = string | number | ISaid;

const SUFFIX = '_said';

const value: Reader<Value> = (found, place) =>
  typeof found === 'string' || typeof found === 'number' ? found : said(found, place);

const said: Reader<ISaid> = object({ template: text, values: list(value) });

/** The answer with each sentence that has parts said in the language of the page. */
export function translated(answer: unknown, trans: TranslationBundle): unknown {
  if (Array.isArray(answer)) {
    return answer.map(item => translated(item, trans));
  }
  if (typeof answer !== 'object' || answer === null) {
    return answer;
  }
  const told: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(answer)) {
    if (!key.endsWith(SUFFIX)) {
      const parts = (answer as Readonly<Record<string, unknown>>)[key + SUFFIX];
      told[key] = parts === undefined ? translated(item, trans) : say(said(parts, key), trans);
    }
  }
  return told;
}

function say({ template, values }: ISaid, trans: TranslationBundle): string {
  return trans.__(template, ...values.map(item => word(item, trans)));
}

function word(item: Value, trans: TranslationBundle): string {
  if (typeof item === 'string') {
    return item;
  }
  return typeof item === 'number' ? decimal(item, trans) : say(item, trans);
}
