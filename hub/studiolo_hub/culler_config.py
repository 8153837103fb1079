"""Configuration of jupyterhub-idle-culler, which runs as a service of the hub. I/O.

The culler loads this file by its path; `culler_command` and `culler_environment` in `configure`
say how. Two of its options stay as they are here: `max_age` would stop a workspace after the
arbiter said no, and `cull_users` would delete people together with their homes.
"""

import logging
import os
from datetime import timedelta
from pathlib import Path

from studiolo_spawner.catalogue_file import CatalogueFile
from traitlets.config import get_config

from studiolo_hub.lifecycle import CullArbiter

c = get_config()
logging.basicConfig(level=logging.INFO, format="[%(levelname)1.1s %(name)s] %(message)s")

c.IdleCuller.timeout = int(os.environ["STUDIOLO_CULL_UNKNOWN_AFTER"])
c.IdleCuller.cull_every = int(os.environ["STUDIOLO_CULL_EVERY"])
c.IdleCuller.cull_users = False
c.IdleCuller.max_age = 0
c.IdleCuller.cull_arbiter_hook = CullArbiter(
    CatalogueFile(Path(os.environ["STUDIOLO_CATALOGUE"]), log=logging.getLogger("studiolo.culler")),
    report_every=timedelta(seconds=int(os.environ["STUDIOLO_REPORT_EVERY"])),
)
