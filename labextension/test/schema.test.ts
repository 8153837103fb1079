import schema from '../schema/panel.json';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { TRANSLATION_DOMAIN } from '../src/tokens';
import { translatedSchema } from '../src/words/schema';
import { trans } from './examples';
import { german } from './german';

const SCHEMA = schema as ISettingRegistry.ISchema;

/** All that people read of it, by where it stands. */
function texts(part: object, place = ''): [string, string][] {
  return Object.entries(part).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    if (typeof value === 'string' && /^(title|description|.*-label)$/.test(key)) {
      return [[`${place}/${key}`, value]];
    }
    return typeof value === 'object' && value !== null ? texts(value, `${place}/${key}`) : [];
  });
}

describe('translatedSchema', () => {
  it('puts every title and description into German, and nothing else', () => {
    const told = translatedSchema(SCHEMA, german);
    const [before, after] = [texts(SCHEMA), texts(told)];
    expect(after.map(([place]) => place)).toEqual(before.map(([place]) => place));
    const same = after.filter(([place, text]) => new Map(before).get(place) === text);
    expect(same.map(([, text]) => text)).toEqual(['Home (%)']);
    expect(told.title).toBe('GPU und Arbeitsplatz');
    expect(told.properties?.interval?.title).toBe('Abstand');
    expect(told.properties?.span?.enum).toEqual([1, 10, 60]);
  });

  it('leaves it as it is in English, and what a language pack has translated already', () => {
    expect(translatedSchema(SCHEMA, trans)).toEqual(SCHEMA);
    const told = translatedSchema(SCHEMA, german);
    expect(translatedSchema(told, german)).toEqual(told);
  });

  it('waits for the translation, and names the domain for language packs', () => {
    expect(schema['jupyter.lab.transform']).toBe(true);
    expect(schema['jupyter.lab.internationalization'].domain).toBe(TRANSLATION_DOMAIN);
  });
});
