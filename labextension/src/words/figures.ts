/** Figures as people read them. Pure: the translation and the locale are handed in. */

import type { TranslationBundle } from '@jupyterlab/translation';

const KIB = 1024;

/** Stands where a driver reports nothing. */
export const UNKNOWN = '–';

export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${Math.round(value)} %`;
}

export function celsius(value: number | null): string {
  return value === null ? UNKNOWN : `${Math.round(value)} °C`;
}

export function megahertz(value: number | null, limit: number | null): string {
  if (value === null) {
    return UNKNOWN;
  }
  return limit === null
    ? `${Math.round(value)} MHz`
    : `${Math.round(value)} / ${Math.round(limit)} MHz`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** "23.4 GiB" in the largest unit that leaves at least one. */
export function bytes(value: number | null, trans: TranslationBundle): string {
  if (value === null) {
    return UNKNOWN;
  }
  const { unit, scaled } = scale(value);
  return `${short(scaled, trans)} ${unit}`;
}

/** "23.4 / 80 GiB" in the unit of the whole, or what is known of it. */
export function memory(
  used: number | null,
  total: number | null,
  trans: TranslationBundle
): string {
  if (used === null || total === null) {
    return bytes(used, trans);
  }
  const { unit, scaled } = scale(total);
  return `${short(used / (total / scaled), trans)} / ${short(scaled, trans)} ${unit}`;
}

/** "147 / 400 W", or what is known of it. */
export function power(watts: number | null, limit: number | null): string {
  if (watts === null) {
    return UNKNOWN;
  }
  return limit === null
    ? `${Math.round(watts)} W`
    : `${Math.round(watts)} / ${Math.round(limit)} W`;
}

/** "2.1 GB/s": buses are sold by powers of ten. */
export function rate(value: number | null, trans: TranslationBundle): string {
  if (value === null) {
    return UNKNOWN;
  }
  const units = ['B/s', 'kB/s', 'MB/s', 'GB/s'];
  let scaled = value;
  let place = 0;
  while (scaled >= 1000 && place < units.length - 1) {
    scaled /= 1000;
    place += 1;
  }
  return `${place === 0 ? Math.round(scaled) : short(scaled, trans)} ${units[place] ?? ''}`;
}

function scale(value: number): { unit: string; scaled: number } {
  let scaled = value;
  let place = 0;
  while (scaled >= KIB && place < UNITS.length - 1) {
    scaled /= KIB;
    place += 1;
  }
  return { unit: UNITS[place] ?? '', scaled };
}

function short(value: number, trans: TranslationBundle): string {
  return decimal(value >= 100 ? Math.round(value) : value, trans);
}

/** "4" or "4.5": one decimal at most, with the language's own sign before it. */
export function decimal(value: number, trans: TranslationBundle): string {
  return Number.isInteger(value)
    ? String(value)
    : trans.__('%1.%2', ...value.toFixed(1).split('.'));
}

/** "1 day 2 hours", "45 minutes": the two largest units that are not zero. */
export function duration(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) {
    return trans._n('%1 second', '%1 seconds', Math.round(seconds));
  }
  const parts: string[] = [];
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  if (days > 0) {
    parts.push(trans._n('%1 day', '%1 days', days));
  }
  if (hours > 0) {
    parts.push(trans._n('%1 hour', '%1 hours', hours));
  }
  if (minutes % 60 > 0) {
    parts.push(trans._n('%1 minute', '%1 minutes', minutes % 60));
  }
  return parts.slice(0, 2).join(' ');
}

/** "4:07", "1:02:09": what is left, for the eye. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** A moment (Unix seconds) as a person of this locale writes it: the day only if it is another. */
export function moment(time: number, now: number, locale?: string): string {
  const hours: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  const day: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short' };
  const date = new Date(time * 1000);
  const same = date.toDateString() === new Date(now * 1000).toDateString();
  return new Intl.DateTimeFormat(locale, same ? hours : { ...day, ...hours }).format(date);
}
