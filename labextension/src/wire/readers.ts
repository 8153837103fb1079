/**
 * Readers of JSON: each takes a value and gives it typed, or throws WireError with the place of what
 * is wrong. Pure. Unknown keys are left out; a missing one is read as null.
 */

/** The server said something that this version does not understand. */
export class WireError extends Error {
  constructor(place: string, wanted: string) {
    super(`${place} is not ${wanted}`);
    this.name = 'WireError';
  }
}

export type Reader<T> = (value: unknown, place: string) => T;

/** The type that a reader gives. */
export type Read<R> = R extends Reader<infer T> ? T : never;

export const text: Reader<string> = (value, place) => {
  if (typeof value !== 'string') {
    throw new WireError(place, 'a text');
  }
  return value;
};

export const number: Reader<number> = (value, place) => {
  if (typeof value !== 'number') {
    throw new WireError(place, 'a number');
  }
  return value;
};

export const flag: Reader<boolean> = (value, place) => {
  if (typeof value !== 'boolean') {
    throw new WireError(place, 'true or false');
  }
  return value;
};

/** The same, or null. */
export function maybe<T>(reader: Reader<T>): Reader<T | null> {
  return (value, place) => (value === null || value === undefined ? null : reader(value, place));
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) {
      throw new WireError(place, 'a list');
    }
    return value.map((item, index) => reader(item, `${place}[${index}]`));
  };
}

/** An object with these fields. */
export function object<T extends Readonly<Record<string, unknown>>>(fields: {
  [K in keyof T]: Reader<T[K]>;
}): Reader<T> {
  const readers = Object.entries<Reader<unknown>>(fields);
  return (value, place) => {
    const data = record(value, place);
    return Object.fromEntries(
      readers.map(([key, reader]) => [
        key,
        reader(data[key], place === '' ? key : `${place}.${key}`)
      ])
    ) as T;
  };
}

/** An object with any keys, and values of one kind. */
export function mapOf<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, place) =>
    Object.fromEntries(
      Object.entries(record(value, place)).map(([key, item]) => [
        key,
        reader(item, `${place}.${key}`)
      ])
    );
}

/** One of these words. */
export function oneOf<const W extends readonly string[]>(words: W): Reader<W[number]> {
  return (value, place) => {
    const word = words.find(known => known === value);
    if (word === undefined) {
      throw new WireError(place, `one of ${words.join(', ')}`);
    }
    return word;
  };
}

/** An answer of the version that is understood. */
export function versioned<T>(reader: Reader<T>): (value: unknown) => T {
  return value => {
    if (record(value, 'the answer').version !== 1) {
      throw new WireError('version', '1');
    }
    return reader(value, '');
  };
}

function record(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError(place, 'an object');
  }
  return value as Readonly<Record<string, unknown>>;
}
