/** One GPU: its name, what is special about it, and four figures with their past. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { celsius, memory, percent, power, UNKNOWN } from '../format';
import type { Column, HistoryFigure, IDevice, IHistory } from '../wire';
import { Sparkline } from './sparklineView';

/** The top of the temperature chart: where data centre cards begin to slow down. */
const HOT_CELSIUS = 95;

export interface IGpuCardProps {
  device: IDevice;
  history: IHistory;
  seconds: number;
  trans: TranslationBundle;
}

interface ITile {
  figure: HistoryFigure;
  label: string;
  value: string;
  max: number;
  unknown: string;
}

export function GpuCard(props: IGpuCardProps): React.JSX.Element {
  const { device, history, trans } = props;
  const heading = `st-gpu-${device.id.replace(/[^\w-]/g, '_')}`;
  const columns = history.devices[device.id];
  return (
    <section className="st-Card" aria-labelledby={heading}>
      <h3 className="st-Card-heading" id={heading}>
        {shortName(device)}
      </h3>
      <Badges device={device} trans={trans} />
      {device.problem === '' ? (
        <dl className="st-Tiles">
          {tilesOf(device, trans).map(tile => (
            <Tile
              key={tile.figure}
              tile={tile}
              times={history.times}
              values={columns?.[tile.figure]}
              seconds={props.seconds}
            />
          ))}
        </dl>
      ) : (
        <p className="st-Problem" role="alert">
          {device.problem}
        </p>
      )}
    </section>
  );
}

/** A badge says already that it is simulated. */
function shortName(device: IDevice): string {
  return device.simulated ? device.name.replace(/\s*\(simulated\)$/i, '') : device.name;
}

function Tile(props: {
  tile: ITile;
  times: readonly number[];
  values: Column | undefined;
  seconds: number;
}): React.JSX.Element {
  const { tile } = props;
  const unknown = tile.value === UNKNOWN;
  return (
    <div className="st-Tile" data-figure={tile.figure} title={unknown ? tile.unknown : undefined}>
      <dt>{tile.label}</dt>
      <dd>
        <span className="st-Tile-value" data-unknown={unknown}>
          {unknown ? tile.unknown : tile.value}
        </span>
        {!unknown && (
          <Sparkline
            times={props.times}
            values={props.values}
            seconds={props.seconds}
            max={tile.max}
          />
        )}
      </dd>
    </div>
  );
}

function tilesOf(device: IDevice, trans: TranslationBundle): ITile[] {
  const { figures } = device;
  const slice = device.kind === 'mig';
  const unknown = trans.__('not reported');
  return [
    {
      figure: 'utilisation_percent',
      label: trans.__('Utilisation'),
      value: percent(figures.utilisation_percent),
      max: 100,
      unknown: slice ? trans.__('not reported for MIG slices') : unknown
    },
    {
      figure: 'memory_used_bytes',
      label: trans.__('Memory'),
      value: memory(figures.memory_used_bytes, figures.memory_total_bytes),
      max: figures.memory_total_bytes ?? 0,
      unknown
    },
    {
      figure: 'temperature_celsius',
      label: slice ? trans.__('Temperature of the card') : trans.__('Temperature'),
      value: celsius(figures.temperature_celsius),
      max: HOT_CELSIUS,
      unknown
    },
    {
      figure: 'power_watts',
      label: slice ? trans.__('Power of the card') : trans.__('Power'),
      value: power(figures.power_watts, figures.power_limit_watts),
      max: figures.power_limit_watts ?? 0,
      unknown
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
    badges.push([
      trans.__('Shared'),
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
