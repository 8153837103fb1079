/**
 * How times are written. Pure.
 *
 * JupyterLab's language says in which words; within it, the browser knows whether its person writes
 * 14:30 or 2:30 PM.
 */

/** The person's own variety of the language, or the language itself. */
export function localeOf(languageCode: string, preferred: readonly string[]): string {
  const wanted = languageCode.replace('_', '-');
  const [language] = wanted.split('-');
  return wanted === language
    ? (preferred.find(locale => locale.split('-')[0] === language) ?? wanted)
    : wanted;
}
