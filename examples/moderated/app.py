"""Starts the moderated conference. The application itself is `src/roomtone/demo/moderated.py`: it is part of the package, because `roomtone dev` starts it."""

import sys

from roomtone.demo.moderated import main

sys.exit(main())
