/**
 * What a person has set, as the settings editor keeps it, with plain defaults. Pure.
 *
 * The registry checks against schema/panel.json; what is read here is still bounded, because a
 * deployment's overrides and an older version's settings arrive unchecked.
 */

/** The spans of time that charts are drawn over, in minutes. */
export const SPANS = [1, 10, 60] as const;

export type Span = (typeof SPANS)[number];

export interface ISettings {
  /** Seconds between two samples, as far as the server goes along. */
  interval: number;
  span: Span;
  /** What the panel shows. */
  show: { charts: boolean; details: boolean; system: boolean; processes: boolean };
  /** From where on a figure is marked. */
  thresholds: {
    gpuMemoryPercent: number;
    gpuCelsius: number;
    memoryPercent: number;
    homePercent: number;
  };
  statusBar: boolean;
}

export const DEFAULT_SETTINGS: ISettings = {
  interval: 2,
  span: 10,
  show: { charts: true, details: false, system: true, processes: true },
  thresholds: { gpuMemoryPercent: 95, gpuCelsius: 85, memoryPercent: 90, homePercent: 90 },
  statusBar: true
};

type Fields = Readonly<Record<string, unknown>>;

/** Settings from what the registry holds; whatever is no sense is left at its default. */
export function readSettings(composite: unknown): ISettings {
  const root = fields(composite);
  const show = fields(root.show);
  const thresholds = fields(root.thresholds);
  const { show: shown, thresholds: limits, ...plain } = DEFAULT_SETTINGS;
  return {
    interval: bounded(root.interval, 1, 60, plain.interval),
    span: SPANS.find(span => span === root.span) ?? plain.span,
    show: {
      charts: flag(show.charts, shown.charts),
      details: flag(show.details, shown.details),
      system: flag(show.system, shown.system),
      processes: flag(show.processes, shown.processes)
    },
    thresholds: {
      gpuMemoryPercent: bounded(thresholds.gpuMemoryPercent, 1, 100, limits.gpuMemoryPercent),
      gpuCelsius: bounded(thresholds.gpuCelsius, 1, 120, limits.gpuCelsius),
      memoryPercent: bounded(thresholds.memoryPercent, 1, 100, limits.memoryPercent),
      homePercent: bounded(thresholds.homePercent, 1, 100, limits.homePercent)
    },
    statusBar: flag(root.statusBar, plain.statusBar)
  };
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function flag(value: unknown, otherwise: boolean): boolean {
  return typeof value === 'boolean' ? value : otherwise;
}

function bounded(value: unknown, least: number, most: number, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? Math.min(most, Math.max(least, value))
    : otherwise;
}
