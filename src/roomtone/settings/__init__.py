"""The settings: what there is (`model`), where it is read from (`load`), what contradicts (`checks`), and those of `dev`."""

from roomtone.settings.dev import DevOptions, dev_settings
from roomtone.settings.load import Layer, Loaded, load
from roomtone.settings.model import Account, NumberEntry, Settings
from roomtone.settings.values import Address

__all__ = ["Account", "Address", "DevOptions", "Layer", "Loaded", "NumberEntry", "Settings", "dev_settings", "load"]
