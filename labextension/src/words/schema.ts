/**
 * The settings' schema in the language of the page. Pure.
 *
 * JupyterLab's server translates schemas too, but finds texts in installed language packs only, not
 * in those that an extension brings along. The contexts are those under which it would look them up.
 * https://jupyterlab.readthedocs.io/en/stable/extension/internationalization.html#settings-translation
 */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

const SHOWN = ['title', 'description', 'jupyter.lab.setting-icon-label'];

/** The schema with all that people read of it translated. */
export function translatedSchema(
  schema: ISettingRegistry.ISchema,
  trans: TranslationBundle
): ISettingRegistry.ISchema {
  return translatedPart(schema, 'schema', trans) as ISettingRegistry.ISchema;
}

function translatedPart(part: object, context: string, trans: TranslationBundle): object {
  return Object.fromEntries(
    Object.entries(part).map(([key, value]: [string, unknown]) => {
      if (typeof value === 'string' && SHOWN.includes(key)) {
        return [key, trans._p(key.includes('.') ? 'settings' : context, value)];
      }
      const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [key, isPart ? translatedPart(value, 'settings', trans) : value];
    })
  );
}
