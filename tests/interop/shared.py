"""The server that most tests share, with the application it asks; and a guest in one of its rooms."""

from __future__ import annotations

from pathlib import Path

from live import Live
from rtp_phone import RtpPhone
from sipp import ACK, Sipp, expect, invite, nudge, request
from web_application import WebApplication

__all__ = ["Guest", "Shared"]

SETTINGS = """
[server]
drain_seconds = 0
[sip]
rtp_ports = [0, 0]
[webhooks]
connect_timeout = 1.0
total_timeout = 2.0
"""
NUMBER = """
[[numbers]]
number = "{name}"
voice_url = "{url}"
"""


class Shared(Live):
    """The server of the session, and a web application that it asks."""

    def __init__(self, folder: Path) -> None:
        self.web = WebApplication()
        urls = {name: self.web.url(f"/{name}") for name in self.web.NUMBERS} | {"down": "http://127.0.0.1:9/"}
        numbers = "".join(NUMBER.format(name=name, url=url) for name, url in urls.items())
        super().__init__(folder, settings=SETTINGS + numbers)

    def stop(self) -> None:
        super().stop()
        self.web.close()


class Guest:
    """A caller in a room: sipp signals, and an `RtpPhone` talks and hears."""

    def __init__(self, server: Live, folder: Path, room: str, caller: str, tone_hz: float | None) -> None:
        self.server = server
        self.caller = caller
        self.phone = RtpPhone(tone_hz)
        steps = (invite(), expect(200), ACK, nudge(), request("BYE", cseq=2), expect(200))
        self.sipp = Sipp(folder / caller, server.address, room, caller, *steps, media=self.phone.port)
        server.until_call(caller, lambda call: call["answered_at"], f"{caller} is answered")

    def hang_up(self) -> None:
        """The call has ended at the server, too."""
        self.sipp.nudge()
        self.sipp.succeeds()
        self.server.until_ended(self.caller)

    def stop(self) -> None:
        """Whatever has become of it."""
        self.phone.close()
        self.sipp.stop()
