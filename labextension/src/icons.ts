/** The panel's icon: a card with its chip and its contacts. Drawn for this project. */

import { LabIcon } from '@jupyterlab/ui-components';

export const gpuIcon = new LabIcon({
  name: 'jupyterlab-studiolo:gpu',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path fill-rule="evenodd" d="M3 5h18a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-2v2h-2v-2h-2v2h-2v-2h-2v2H9v-2H3a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zm1 2v8h16V7H4z"/>
    <path fill-rule="evenodd" d="M15 8a3 3 0 1 1 0 6 3 3 0 0 1 0-6zm0 1.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6z"/>
    <path d="M6 9h4v1.4H6zM6 11.6h4V13H6z"/>
  </g>
</svg>`
});
