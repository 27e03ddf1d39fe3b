"""baresip as a caller: its own configuration, its own codecs, driven over its control port (JSON in netstrings).

It says a WAV file, and writes what it hears to another, which is complete when the call has ended.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from goertzel import Samples, read_wav, sine, write_wav
from live import WAIT_S, Program

__all__ = ["Baresip"]

MODULES = Path("/usr/lib/baresip/modules")
TONE_S = 180.0

CONFIG = """
module_path {modules}
sip_listen 127.0.0.1:0
audio_player aubridge,unheard
audio_alert aubridge,unheard
audio_source aufile,{voice}
ausrc_srate 8000
ausrc_channels 1
audio_buffer 20-160
net_interface 127.0.0.1
rtp_tos 0
jitter_buffer_type fixed
jitter_buffer_delay 2-10
snd_path {folder}
module g711.so
module opus.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip(Program):
    """A phone of the user `name`, which hums at `tone_hz`; None: it is silent."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        tone_hz: float | None = None,
        codecs: str = "PCMU/8000/1",
        transport: str = "udp",
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.user = name
        voice = sine(tone_hz, TONE_S) if tone_hz else sine(100, TONE_S, -200)
        write_wav(folder / "voice.wav", voice)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            control = probe.getsockname()[1]
        config = CONFIG.format(modules=MODULES, folder=folder, voice=folder / "voice.wav", control=control)
        (folder / "config").write_text(config)
        (folder / "accounts").write_text(
            f"<sip:{name}@127.0.0.1;transport={transport}>;regint=0;audio_codecs={codecs}\n"
        )
        (folder / "contacts").write_text("")
        super().__init__(["baresip", "-4", "-v", "-f", str(folder)], folder=folder)
        self.out.until("baresip is ready")
        self._socket = socket.create_connection(("127.0.0.1", control), WAIT_S)
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    # --- what it does -------------------------------------------------------------------------------------------------

    def dial(self, uri: str) -> None:
        """Returns when the call is established."""
        self._order("dial", uri)
        self.until_event("CALL_ESTABLISHED")

    def key(self, digit: str) -> None:
        """As an event of RFC 4733."""
        self._order("sndcode", digit)

    def hold(self) -> None:
        """A re-INVITE; `resume` takes it back."""
        self._order("hold")

    def resume(self) -> None:
        """Talks again."""
        self._order("resume")

    def hang_up(self) -> None:
        """Returns when the call is over."""
        self._order("hangup")
        self.until_event("CALL_CLOSED")

    # --- what it knows ------------------------------------------------------------------------------------------------

    def until_event(self, kind: str, seconds: float = WAIT_S) -> dict[str, Any]:
        """The event of that type, also one of before."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self._events if event.get("type") == kind), None)

        with self._changed:
            self._changed.wait_for(found, seconds)
            event = found()
        assert event, f"{self.user}: no {kind} in {seconds:g} s; {self._events}\n{self.said}"
        return event

    def heard(self) -> Samples:
        """All that it heard in its call, which is over."""
        self.stop()
        (path,) = self.folder.glob("dump-*-dec.wav")
        return read_wav(path)

    def _order(self, command: str, parameters: str = "") -> None:
        text = json.dumps({"command": command, "params": parameters})
        self._socket.sendall(f"{len(text)}:{text},".encode())

    def _listen(self) -> None:
        data = b""
        while True:
            try:
                chunk = self._socket.recv(65536)
            except OSError:
                return
            if not chunk:
                return
            data += chunk
            while (match := re.match(rb"(\d+):", data)) and len(data) > (end := match.end() + int(match[1])):
                with self._changed:
                    self._events.append(json.loads(data[match.end() : end]))
                    self._changed.notify_all()
                data = data[end + 1 :]

    def stop(self) -> None:
        """It has to end by itself, so that its file is complete."""
        if self.process.poll() is None:
            self._order("quit")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        super().stop()
        self._socket.close()
