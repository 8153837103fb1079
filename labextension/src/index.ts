/** The extension's plugins, and nothing else. */

import { fallbackNoticePlugin } from './plugins/fallbackNotice';
import { panelPlugin } from './plugins/panel';
import { stopPlugin } from './plugins/stop';
import { workspacePlugin } from './plugins/workspace';

export default [workspacePlugin, stopPlugin, panelPlugin, fallbackNoticePlugin];
