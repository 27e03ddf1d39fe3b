"""SIP: dialogs, sessions and their timers, over events of the native core. Nothing is parsed here."""

from __future__ import annotations

from roomtone.sip.endpoint import Endpoint
from roomtone.sip.inbound import InboundLine
from roomtone.sip.outbound import OutboundLine, RefusedError
from roomtone.sip.signalling import Signalling
from roomtone.sip.surroundings import Surroundings

__all__ = ["Endpoint", "InboundLine", "OutboundLine", "RefusedError", "Signalling", "Surroundings"]
