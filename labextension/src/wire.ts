/**
 * What the server extension says, as types, and the reading of it. Pure.
 *
 * The examples in tests/contract are read by the tests of both sides. What does not have the shape
 * throws: a view never meets half an answer.
 */

export type State =
  | 'ok'
  | 'starting'
  | 'no_gpu'
  | 'no_device'
  | 'library_missing'
  | 'driver_missing'
  | 'driver_error'
  | 'unsupported_vendor';

const STATES: readonly string[] = [
  'ok',
  'starting',
  'no_gpu',
  'no_device',
  'library_missing',
  'driver_missing',
  'driver_error',
  'unsupported_vendor'
];

/** What one device does now; null where the driver does not report it. */
export interface IFigures {
  utilisation_percent: number | null;
  memory_used_bytes: number | null;
  memory_total_bytes: number | null;
  temperature_celsius: number | null;
  power_watts: number | null;
  power_limit_watts: number | null;
}

export interface IDevice {
  id: string;
  name: string;
  index: number;
  kind: 'gpu' | 'mig';
  shared: boolean;
  simulated: boolean;
  figures: IFigures;
  /** Empty, or why there are no figures. */
  problem: string;
}

/** The figures that have a past. */
export const HISTORY_FIGURES = [
  'utilisation_percent',
  'memory_used_bytes',
  'temperature_celsius',
  'power_watts'
] as const;

export type HistoryFigure = (typeof HISTORY_FIGURES)[number];

export type Column = readonly (number | null)[];

/** Points in time (Unix seconds), and for each device and figure one value for each of them. */
export interface IHistory {
  times: readonly number[];
  devices: Readonly<Record<string, Readonly<Record<HistoryFigure, Column>>>>;
}

export interface IGpusReply {
  state: State;
  message: string;
  hint: string;
  driver_version: string | null;
  sampled_at: number;
  /** Null when the answer can not change while this server runs. */
  interval_seconds: number | null;
  devices: readonly IDevice[];
  history: IHistory;
}

export interface IImage {
  id: string;
  display_name: string;
  reference: string | null;
  digest: string | null;
}

export interface IProfileGpu {
  model: string;
  memory_gib: number | null;
  shared: boolean;
  simulated: boolean;
}

export interface IProfile {
  id: string;
  display_name: string;
  resource: string | null;
  count: number;
  gpu: IProfileGpu | null;
}

export interface IWorkspace {
  image: IImage;
  requested_image: IImage | null;
  fallback_reason: string | null;
  profile: IProfile;
  started_at: string | null;
  idle: { timeout_seconds: number | null; gpu_busy_percent: number };
  max_lifetime_seconds: number | null;
}

export interface IWorkspaceReply {
  /** Null outside Studiolo. */
  workspace: IWorkspace | null;
  can_stop: boolean;
}

/** The server said something that this version does not understand. */
export class WireError extends Error {
  constructor(place: string, wanted: string) {
    super(`${place} is not ${wanted}`);
    this.name = 'WireError';
  }
}

type Fields = Readonly<Record<string, unknown>>;

export function parseGpus(value: unknown): IGpusReply {
  const root = versioned(value);
  const state = text(root, 'state');
  if (!STATES.includes(state)) {
    throw new WireError('state', 'a known state');
  }
  return {
    state: state as State,
    message: text(root, 'message'),
    hint: text(root, 'hint'),
    driver_version: textOrNull(root, 'driver_version'),
    sampled_at: number(root, 'sampled_at'),
    interval_seconds: numberOrNull(root, 'interval_seconds'),
    devices: list(root, 'devices').map(parseDevice),
    history: parseHistory(object(root.history, 'history'))
  };
}

export function parseWorkspace(value: unknown): IWorkspaceReply {
  const root = versioned(value);
  return {
    workspace:
      root.workspace === null ? null : parseDescription(object(root.workspace, 'workspace')),
    can_stop: flag(root, 'can_stop')
  };
}

function parseDescription(data: Fields): IWorkspace {
  const idle = object(data.idle, 'idle');
  return {
    image: parseImage(data.image, 'image'),
    requested_image:
      data.requested_image === null ? null : parseImage(data.requested_image, 'requested_image'),
    fallback_reason: textOrNull(data, 'fallback_reason'),
    profile: parseProfile(object(data.profile, 'profile')),
    started_at: textOrNull(data, 'started_at'),
    idle: {
      timeout_seconds: numberOrNull(idle, 'timeout_seconds'),
      gpu_busy_percent: number(idle, 'gpu_busy_percent')
    },
    max_lifetime_seconds: numberOrNull(data, 'max_lifetime_seconds')
  };
}

function parseImage(value: unknown, place: string): IImage {
  const data = object(value, place);
  return {
    id: text(data, 'id'),
    display_name: text(data, 'display_name'),
    reference: textOrNull(data, 'reference'),
    digest: textOrNull(data, 'digest')
  };
}

function parseProfile(data: Fields): IProfile {
  const gpu = data.gpu === null ? null : object(data.gpu, 'profile.gpu');
  return {
    id: text(data, 'id'),
    display_name: text(data, 'display_name'),
    resource: textOrNull(data, 'resource'),
    count: number(data, 'count'),
    gpu: gpu && {
      model: text(gpu, 'model'),
      memory_gib: numberOrNull(gpu, 'memory_gib'),
      shared: flag(gpu, 'shared'),
      simulated: flag(gpu, 'simulated')
    }
  };
}

function parseDevice(value: unknown): IDevice {
  const data = object(value, 'device');
  const figures = object(data.figures, 'figures');
  return {
    id: text(data, 'id'),
    name: text(data, 'name'),
    index: number(data, 'index'),
    kind: text(data, 'kind') === 'mig' ? 'mig' : 'gpu',
    shared: flag(data, 'shared'),
    simulated: flag(data, 'simulated'),
    figures: {
      utilisation_percent: numberOrNull(figures, 'utilisation_percent'),
      memory_used_bytes: numberOrNull(figures, 'memory_used_bytes'),
      memory_total_bytes: numberOrNull(figures, 'memory_total_bytes'),
      temperature_celsius: numberOrNull(figures, 'temperature_celsius'),
      power_watts: numberOrNull(figures, 'power_watts'),
      power_limit_watts: numberOrNull(figures, 'power_limit_watts')
    },
    problem: text(data, 'problem')
  };
}

function parseHistory(data: Fields): IHistory {
  const times = list(data, 'times') as readonly number[];
  const devices: Record<string, Record<HistoryFigure, Column>> = {};
  for (const [id, value] of Object.entries(object(data.devices, 'history.devices'))) {
    const columns = object(value, id);
    const column = (name: HistoryFigure): Column => {
      const values = list(columns, name) as Column;
      if (values.length !== times.length) {
        throw new WireError(`history of ${name}`, 'as long as its times');
      }
      return values;
    };
    devices[id] = {
      utilisation_percent: column('utilisation_percent'),
      memory_used_bytes: column('memory_used_bytes'),
      temperature_celsius: column('temperature_celsius'),
      power_watts: column('power_watts')
    };
  }
  return { times, devices };
}

function versioned(value: unknown): Fields {
  const root = object(value, 'the answer');
  if (root.version !== 1) {
    throw new WireError('version', '1');
  }
  return root;
}

function object(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError(place, 'an object');
  }
  return value as Fields;
}

function list(data: Fields, key: string): readonly unknown[] {
  const value = data[key];
  if (!Array.isArray(value)) {
    throw new WireError(key, 'a list');
  }
  return value;
}

function text(data: Fields, key: string): string {
  const value = data[key];
  if (typeof value !== 'string') {
    throw new WireError(key, 'a text');
  }
  return value;
}

function textOrNull(data: Fields, key: string): string | null {
  return (data[key] ?? null) === null ? null : text(data, key);
}

function number(data: Fields, key: string): number {
  const value = data[key];
  if (typeof value !== 'number') {
    throw new WireError(key, 'a number');
  }
  return value;
}

function numberOrNull(data: Fields, key: string): number | null {
  return (data[key] ?? null) === null ? null : number(data, key);
}

function flag(data: Fields, key: string): boolean {
  const value = data[key];
  if (typeof value !== 'boolean') {
    throw new WireError(key, 'true or false');
  }
  return value;
}
