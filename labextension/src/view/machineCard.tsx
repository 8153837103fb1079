/** CPU, memory and home, against what this workspace may use. */

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ISettings } from '../settings';
import type { IHistory, IMachine, MachineFigure } from '../wire';
import { bytes, decimal, memory, percent, UNKNOWN } from '../words/figures';
import { type ITile, Tile } from './tile';

export interface IMachineCardProps {
  machine: IMachine;
  history: IHistory;
  settings: ISettings;
  trans: TranslationBundle;
  locale?: string;
}

export function MachineCard(props: IMachineCardProps): React.JSX.Element {
  const { machine, history, settings, trans } = props;
  return (
    <section className="st-Card" aria-labelledby="st-machine">
      <h3 className="st-Card-heading" id="st-machine">
        {trans.__('CPU, memory and home')}
      </h3>
      <dl className="st-Tiles">
        {tilesOf(machine, settings, trans).map(tile => (
          <Tile
            key={tile.figure}
            tile={tile}
            history={history}
            values={history.machine[tile.figure]}
            settings={settings}
            trans={trans}
            locale={props.locale}
          />
        ))}
      </dl>
      {machine.disk !== null && <Home disk={machine.disk} settings={settings} trans={trans} />}
    </section>
  );
}

function tilesOf(
  { cpu, memory: held }: IMachine,
  { thresholds }: ISettings,
  trans: TranslationBundle
): ITile<MachineFigure>[] {
  const unknown = trans.__('not known');
  const cores = (value: number): string =>
    trans._n('%2 core', '%2 cores', value, decimal(value, trans));
  return [
    {
      figure: 'cpu_percent',
      label:
        cpu.limit_cores === null ? trans.__('CPU') : trans.__('CPU of %1', cores(cpu.limit_cores)),
      value: percent(cpu.percent),
      words: percent,
      max: 100,
      unknown,
      yours: null,
      mark: null
    },
    {
      figure: 'memory_used_bytes',
      label: held.source === 'host' ? trans.__('Memory of the machine') : trans.__('Memory'),
      value: memory(held.used_bytes, held.limit_bytes, trans),
      words: value => bytes(value, trans),
      max: held.limit_bytes ?? 0,
      unknown,
      yours: null,
      mark:
        (held.percent ?? 0) >= thresholds.memoryPercent
          ? trans.__('over %1 %', thresholds.memoryPercent)
          : null
    }
  ];
}

function Home(props: {
  disk: NonNullable<IMachine['disk']>;
  settings: ISettings;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { disk, settings, trans } = props;
  const full = disk.percent >= settings.thresholds.homePercent;
  return (
    <div className="st-Home" data-figure="home" data-full={full}>
      <div className="st-Home-words">
        <span id="st-home">{trans.__('Home')}</span>
        <span className="st-Tile-value">
          {memory(disk.used_bytes, disk.total_bytes, trans) || UNKNOWN}
        </span>
      </div>
      <meter
        aria-labelledby="st-home"
        min={0}
        max={100}
        high={settings.thresholds.homePercent}
        value={disk.percent}
      />
      {full && (
        <p className="st-Mark" role="status">
          {trans.__(
            'Your home is %1 full: %2 are left. When it is full, nothing can be saved.',
            percent(disk.percent),
            bytes(disk.free_bytes, trans)
          )}
        </p>
      )}
    </div>
  );
}
