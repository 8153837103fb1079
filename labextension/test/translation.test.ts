/** The shipped catalogues, as JupyterLab's translator takes them. */

import * as figures from '../src/words/figures';
import { german } from './german';

it('speaks German', () => {
  expect(german.__('Stop this workspace?')).toBe('Diesen Arbeitsplatz stoppen?');
  expect([1, 2].map(count => german._n('%1 minute', '%1 minutes', count))).toEqual([
    '1 Minute',
    '2 Minuten'
  ]);
});

it('writes figures as Germans do', () => {
  expect(figures.memory(1.5 * 1024 ** 3, 80 * 1024 ** 3, german)).toBe('1,5 / 80 GiB');
  expect(figures.rate(2147483648, german)).toBe('2,1 GB/s');
});
