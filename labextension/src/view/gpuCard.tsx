/** One GPU: its name, what is special about it, four figures with their past, and more on demand. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ISettings } from '../settings';
import type { IDevice, IHistory, PastFigure } from '../wire';
import { bytes, celsius, memory, moment, percent, power } from '../words/figures';
import { GpuDetails } from './gpuDetails';
import { type ITile, Tile } from './tile';

/** The top of the temperature chart: where data centre cards begin to slow down. */
const HOT_CELSIUS = 95;

export interface IGpuCardProps {
  device: IDevice;
  /** What it is called among the others. */
  label: string;
  driver: string | null;
  history: IHistory;
  settings: ISettings;
  now: number;
  trans: TranslationBundle;
  locale?: string;
}

export function GpuCard(props: IGpuCardProps): React.JSX.Element {
  const { device, history, settings, trans } = props;
  const id = `st-gpu-${device.id.replace(/[^\w-]/g, '_')}`;
  const columns = history.devices[device.id];
  return (
    <section className="st-Card" aria-labelledby={id}>
      <h3 className="st-Card-heading" id={id}>
        <span className="st-Card-number">{props.label}</span> {shortName(device)}
      </h3>
      <Badges device={device} trans={trans} />
      {device.problem === '' ? (
        <dl className="st-Tiles">
          {tilesOf(device, settings, trans).map(tile => (
            <Tile
              key={tile.figure}
              tile={tile}
              history={history}
              values={columns?.[tile.figure]}
              settings={settings}
              trans={trans}
              locale={props.locale}
            />
          ))}
        </dl>
      ) : (
        <p className="st-Problem" role="alert">
          {device.problem}
        </p>
      )}
      {device.kind === 'mig' &&
        device.problem === '' &&
        device.figures.utilisation_percent === null && (
          <p className="st-Rule">
            {trans.__(
              'The driver does not tell the load of this slice: it counts as used while a program on it uses the CPU.'
            )}
          </p>
        )}
      <Troubles {...props} />
      {device.problem === '' && (
        <GpuDetails
          device={device}
          driver={props.driver}
          unfolded={settings.show.details}
          trans={trans}
        />
      )}
    </section>
  );
}

/** A badge says already that it is simulated. */
function shortName(device: IDevice): string {
  return device.simulated ? device.name.replace(/\s*\(simulated\)$/i, '') : device.name;
}

function tilesOf(
  device: IDevice,
  { thresholds }: ISettings,
  trans: TranslationBundle
): ITile<PastFigure>[] {
  const { figures, own } = device;
  const slice = device.kind === 'mig';
  const unknown = trans.__('not reported');
  const used = figures.memory_used_bytes;
  const total = figures.memory_total_bytes;
  return [
    {
      figure: 'utilisation_percent',
      label: trans.__('Utilisation'),
      value: percent(figures.utilisation_percent),
      words: percent,
      max: 100,
      unknown: slice ? trans.__('not reported for this slice') : unknown,
      yours: own && percent(own.utilisation_percent),
      mark: null
    },
    {
      figure: 'memory_used_bytes',
      label: trans.__('Memory'),
      value: memory(used, total, trans),
      words: held => bytes(held, trans),
      max: total ?? 0,
      unknown,
      yours: own && bytes(own.memory_used_bytes, trans),
      mark:
        used !== null && total !== null && used >= (total * thresholds.gpuMemoryPercent) / 100
          ? trans.__('over %1 %', thresholds.gpuMemoryPercent)
          : null
    },
    {
      figure: 'temperature_celsius',
      label: slice ? trans.__('Temperature of the card') : trans.__('Temperature'),
      value: celsius(figures.temperature_celsius),
      words: celsius,
      max: HOT_CELSIUS,
      unknown,
      yours: null,
      mark:
        (figures.temperature_celsius ?? -Infinity) >= thresholds.gpuCelsius
          ? trans.__('over %1 °C', thresholds.gpuCelsius)
          : null
    },
    {
      figure: 'power_watts',
      label: slice ? trans.__('Power of the card') : trans.__('Power'),
      value: power(figures.power_watts, figures.power_limit_watts),
      words: watts => power(watts, null),
      max: figures.power_limit_watts ?? 0,
      unknown,
      yours: null,
      mark: null
    }
  ];
}

function Badges(props: { device: IDevice; trans: TranslationBundle }): React.JSX.Element | null {
  const { device, trans } = props;
  const badges: [string, string][] = [];
  if (device.simulated) {
    badges.push([trans.__('Simulated'), trans.__('No real GPU: the figures are made up.')]);
  }
  if (device.kind === 'mig') {
    badges.push([trans.__('MIG slice'), trans.__('A part of a card, with memory of its own.')]);
  }
  if (device.shared) {
    const ways: Readonly<Record<string, string>> = {
      time_sliced: trans.__('Shared, time-sliced'),
      mps: trans.__('Shared, MPS')
    };
    badges.push([
      ways[device.sharing ?? ''] ?? trans.__('Shared'),
      trans.__('Other workspaces use this GPU too: the figures are those of all together.')
    ]);
  }
  if (badges.length === 0) {
    return null;
  }
  return (
    <ul className="st-Badges">
      {badges.map(([label, meaning]) => (
        <li key={label} className="st-Badge" title={meaning}>
          {label}
          <span className="st-Hidden">: {meaning}</span>
        </li>
      ))}
    </ul>
  );
}

/** What is never left to be unfolded: slowed down, memory errors, errors of the driver. */
function Troubles(props: IGpuCardProps): React.JSX.Element | null {
  const { device, now, trans, locale } = props;
  const troubles = (device.throttle ?? [])
    .filter(reason => reason.severity !== 'info')
    .map(reason => reason.text);
  const errors = device.figures.ecc_uncorrected ?? 0;
  if (errors > 0) {
    troubles.push(
      trans._n('%1 memory error was not corrected', '%1 memory errors were not corrected', errors)
    );
  }
  for (const xid of device.xid ?? []) {
    troubles.push(
      trans.__('Xid %1 at %2: %3', xid.code, moment(xid.at, now, locale), xid.text) +
        (xid.count > 1 ? ` (${xid.count} ×)` : '')
    );
  }
  if (troubles.length === 0) {
    return null;
  }
  return (
    <ul className="st-Troubles">
      {troubles.map(trouble => (
        <li key={trouble}>{trouble}</li>
      ))}
    </ul>
  );
}
