"""`python -m studiolo_local`: the same as the command `studiolo-local`."""

import sys

from studiolo_local.cli import main

sys.exit(main())
