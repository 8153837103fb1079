/** The shipped catalogues, as JupyterLab's translator takes them. */

import { Gettext } from '@jupyterlab/translation';
import german from '../jupyterlab_studiolo/locale/de_DE/LC_MESSAGES/jupyterlab_studiolo.json';

it('speaks German', () => {
  const header = german[''];
  const trans = new Gettext({ domain: 'jupyterlab_studiolo', locale: 'de_DE' });
  trans.loadJSON(
    { ...german, '': { ...header, pluralForms: header.plural_forms } },
    'jupyterlab_studiolo'
  );
  expect(trans.__('Stop this workspace?')).toBe('Diesen Arbeitsplatz stoppen?');
  expect([1, 2].map(count => trans._n('%1 minute', '%1 minutes', count))).toEqual([
    '1 Minute',
    '2 Minuten'
  ]);
});
