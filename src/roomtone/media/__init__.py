"""The native core for the rest of Python. Nothing of it is imported from a module that was built from other sources."""

from roomtone.media import border

border.check()
