/** The extension's plugins, and nothing else. */

import { actionsPlugin } from './plugins/actions';
import { countdownPlugin } from './plugins/countdown';
import { fallbackNoticePlugin } from './plugins/fallbackNotice';
import { panelPlugin } from './plugins/panel';
import { statePlugin } from './plugins/state';
import { statusBarPlugin } from './plugins/statusBar';

export default [
  statePlugin,
  actionsPlugin,
  panelPlugin,
  statusBarPlugin,
  countdownPlugin,
  fallbackNoticePlugin
];
