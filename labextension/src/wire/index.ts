/**
 * What the server extension says, as types, and the reading of it. Pure.
 *
 * The examples in tests/contract are read by the tests of both sides. What does not have the shape
 * throws: a view never meets half an answer. Times are Unix seconds.
 */

import {
  flag,
  list,
  mapOf,
  maybe,
  number,
  object,
  oneOf,
  type Read,
  text,
  versioned,
  WireError
} from './readers';

export { WireError } from './readers';

const STATES = [
  'ok',
  'starting',
  'no_gpu',
  'no_device',
  'library_missing',
  'driver_missing',
  'driver_error',
  'driver_hung',
  'unsupported_vendor'
] as const;

export type State = (typeof STATES)[number];

/** What one device does now; null where the driver does not report it. */
export const FIGURES = [
  'utilisation_percent',
  'memory_used_bytes',
  'memory_total_bytes',
  'memory_busy_percent',
  'temperature_celsius',
  'power_watts',
  'power_limit_watts',
  'clock_sm_mhz',
  'clock_sm_max_mhz',
  'clock_memory_mhz',
  'clock_memory_max_mhz',
  'pcie_receive_bytes_per_second',
  'pcie_transmit_bytes_per_second',
  'nvlink_receive_bytes_per_second',
  'nvlink_transmit_bytes_per_second',
  'ecc_corrected',
  'ecc_uncorrected',
  'encoder_percent',
  'decoder_percent'
] as const;

export type Figure = (typeof FIGURES)[number];
export type IFigures = Readonly<Record<Figure, number | null>>;

const figures = object<IFigures>(
  Object.fromEntries(FIGURES.map(name => [name, maybe(number)])) as Record<
    Figure,
    ReturnType<typeof maybe<number>>
  >
);

const severity = oneOf(['info', 'warning', 'error']);

const device = object({
  id: text,
  name: text,
  index: number,
  kind: oneOf(['gpu', 'mig']),
  /** The card that a slice is cut from. */
  parent: maybe(text),
  shared: flag,
  /** How it is shared, where that is known: "time_sliced", "mps". */
  sharing: maybe(text),
  simulated: flag,
  condition: text,
  /** Empty, or why there are no figures. */
  problem: text,
  figures,
  /** The figures that are those of the whole card, or of all who share it. */
  of_card: list(text),
  /** What this workspace alone uses of a shared device; null where it is not shared or not known. */
  own: maybe(object({ utilisation_percent: maybe(number), memory_used_bytes: maybe(number) })),
  throttle: maybe(list(object({ code: text, text, severity }))),
  /** Null where the driver does not report its errors. */
  xid: maybe(list(object({ at: number, code: number, text, count: number })))
});

export type IDevice = Read<typeof device>;

const process = object({
  device: text,
  pid: number,
  name: text,
  memory_bytes: maybe(number),
  utilisation_percent: maybe(number),
  /** The notebook or terminal that it belongs to. */
  owner: maybe(
    object({
      kind: text,
      text,
      path: maybe(text),
      kernel_id: maybe(text),
      terminal: maybe(text)
    })
  )
});

export type IProcess = Read<typeof process>;

const gpus = object({
  state: oneOf(STATES),
  message: text,
  hint: text,
  driver_version: maybe(text),
  sampled_at: number,
  interval_seconds: maybe(number),
  devices: list(device),
  /** Null where the driver does not tell; the note says so. */
  processes: maybe(list(process)),
  processes_note: text
});

export type IGpus = Read<typeof gpus>;

const machine = object({
  cpu: object({
    used_cores: maybe(number),
    limit_cores: maybe(number),
    percent: maybe(number),
    source: text
  }),
  memory: object({
    used_bytes: maybe(number),
    limit_bytes: maybe(number),
    percent: maybe(number),
    source: text
  }),
  disk: maybe(
    object({
      path: text,
      used_bytes: number,
      total_bytes: number,
      free_bytes: number,
      percent: number
    })
  )
});

export type IMachine = Read<typeof machine>;

const image = object({
  id: text,
  display_name: text,
  reference: maybe(text),
  digest: maybe(text)
});

const profileGpu = object({
  model: text,
  memory_gib: maybe(number),
  shared: flag,
  simulated: flag
});

const workspace = object({
  image,
  requested_image: maybe(image),
  fallback_reason: maybe(text),
  profile: object({
    id: text,
    display_name: text,
    resource: maybe(text),
    count: number,
    gpu: maybe(profileGpu)
  }),
  started_at: maybe(text),
  idle: object({ timeout_seconds: maybe(number), gpu_busy_percent: number }),
  max_lifetime_seconds: maybe(number)
});

export type IWorkspace = Read<typeof workspace>;

const kernel = object({
  id: text,
  name: text,
  title: text,
  path: maybe(text),
  state: text,
  devices: list(text),
  gpu_memory_bytes: maybe(number)
});

export type IKernel = Read<typeof kernel>;

const stops = object({
  at: maybe(number),
  reason: maybe(text),
  message: text,
  /** Whether it is time to say so. */
  warn: flag,
  warn_from: maybe(number),
  idle_at: maybe(number),
  lifetime_at: maybe(number),
  keep_alive: object({ offered: flag, longest_seconds: number, until: maybe(number) })
});

export type IStops = Read<typeof stops>;

/** Whether something can be done from here; the reason if not. */
const offer = object({ offered: flag, reason: maybe(text) });

export type IOffer = Read<typeof offer>;

const actions = object({
  stop: offer,
  restart: offer,
  park: offer,
  first_choice: offer,
  keep_alive: offer
});

export type IActions = Read<typeof actions>;

const warning = object({ code: text, severity, message: text, hint: text });

export type IWarning = Read<typeof warning>;

const state = object({
  at: number,
  gpus,
  machine,
  /** Null outside Studiolo. */
  workspace: maybe(workspace),
  kernels: list(kernel),
  activity: object({
    busy: flag,
    last_at: maybe(number),
    sources: list(object({ source: text, busy: flag, last_at: maybe(number), text }))
  }),
  stops,
  actions,
  warnings: list(warning)
});

/** All that is known at one moment. */
export type IState = Read<typeof state>;

export const parseState = versioned(state);

/** The figures of a device that have a past. */
export const PAST_FIGURES = [
  'utilisation_percent',
  'memory_used_bytes',
  'temperature_celsius',
  'power_watts'
] as const;

export type PastFigure = (typeof PAST_FIGURES)[number];

export type Column = readonly (number | null)[];

const column = list(maybe(number));

const history = object({
  /** How far apart two points are at least. */
  spacing_seconds: number,
  times: list(number),
  devices: mapOf(
    object({
      utilisation_percent: column,
      memory_used_bytes: column,
      temperature_celsius: column,
      power_watts: column
    })
  ),
  machine: object({ cpu_percent: column, memory_used_bytes: column })
});

/** Points in time, and for each figure one value for each of them. */
export type IHistory = Read<typeof history>;

export type MachineFigure = keyof IHistory['machine'];

const anyHistory = versioned(history);

export function parseHistory(value: unknown): IHistory {
  const read = anyHistory(value);
  for (const columns of [...Object.values(read.devices), read.machine]) {
    for (const [name, values] of Object.entries(columns)) {
      if (values.length !== read.times.length) {
        throw new WireError(`history of ${name}`, 'as long as its times');
      }
    }
  }
  return read;
}

const named = object({ id: text, display_name: text });

/** What the workspace could be started again with. */
export const parseChoices = versioned(
  object({
    current: object({ image: maybe(text), profile: maybe(text) }),
    profiles: list(
      object({
        id: text,
        display_name: text,
        description: text,
        gpu: maybe(profileGpu),
        capacity: maybe(text),
        allowed: flag,
        reason: maybe(text)
      })
    ),
    park: maybe(named),
    first_choice: maybe(named)
  })
);

export type IChoices = ReturnType<typeof parseChoices>;

/** The answer to a stop or a restart: where to go, if it is known. */
export const parseDeparture = versioned(object({ url: maybe(text) }));

/** The answer to Keep alive. */
export const parseKept = versioned(object({ until: number }));
