/** Provides the state of the workspace and the settings to the other plugins. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { DEFAULT_SETTINGS, type ISettings, readSettings } from '../settings';
import { StateFeed } from '../stateFeed';
import { IStudiolo, TRANSLATION_DOMAIN } from '../tokens';
import { translatedSchema } from '../words/schema';

/** The file in schema/ is named after this plugin. */
const SETTINGS_ID = 'jupyterlab-studiolo:panel';

class Studiolo implements IStudiolo {
  constructor(readonly feed: StateFeed) {}

  get settings(): ISettings {
    return this._settings;
  }

  get settingsChanged(): ISignal<IStudiolo, void> {
    return this._settingsChanged;
  }

  set<K extends keyof ISettings>(key: K, value: ISettings[K]): void {
    this._settings = { ...this._settings, [key]: value };
    this._settingsChanged.emit();
    this._registered?.set(key, value).catch((error: unknown) => {
      console.debug('A setting was not kept.', error);
    });
  }

  follow(registered: ISettingRegistry.ISettings): void {
    const read = (): void => {
      this._settings = readSettings(registered.composite);
      this._settingsChanged.emit();
    };
    this._registered = registered;
    registered.changed.connect(read);
    read();
  }

  private _settings = DEFAULT_SETTINGS;
  private _registered: ISettingRegistry.ISettings | null = null;
  private readonly _settingsChanged = new Signal<IStudiolo, void>(this);
}

export const statePlugin: JupyterFrontEndPlugin<IStudiolo> = {
  id: 'jupyterlab-studiolo:state',
  description: 'Follows the state of this workspace while somebody watches it.',
  autoStart: true,
  provides: IStudiolo,
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const settings = app.serviceManager.serverSettings;
    const studiolo = new Studiolo(new StateFeed({ settings, trans }));
    registry?.transform(SETTINGS_ID, {
      fetch: plugin => ({ ...plugin, schema: translatedSchema(plugin.schema, trans) })
    });
    registry?.load(SETTINGS_ID).then(
      registered => studiolo.follow(registered),
      (error: unknown) => console.debug('The settings could not be loaded.', error)
    );
    return studiolo;
  }
};
