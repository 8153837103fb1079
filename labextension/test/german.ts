/** The German that is shipped, as JupyterLab's translator takes it. */

import { Gettext, type TranslationBundle } from '@jupyterlab/translation';
import catalogue from '../jupyterlab_studiolo/locale/de_DE/LC_MESSAGES/jupyterlab_studiolo.json';

const DOMAIN = 'jupyterlab_studiolo';

function load(): TranslationBundle {
  const header = catalogue[''];
  const gettext = new Gettext({ domain: DOMAIN, locale: 'de_DE' });
  gettext.loadJSON({ ...catalogue, '': { ...header, pluralForms: header.plural_forms } }, DOMAIN);
  return gettext;
}

export const german = load();
