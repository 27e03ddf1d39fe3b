"""`roomtone room` while callers come and go: what it asks is an instant later than what it was told before."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from terminal import roomtone

LEFT = "CAmoderator"


def participant(name: str, **changes: Any) -> dict[str, Any]:
    plain = {"muted": False, "waiting": False, "music": False, "start_on_enter": True, "end_on_exit": False}
    return {"call_sid": f"CA{name}", "caller": name, "joined_at": name, **plain, **changes}


class Busy(BaseHTTPRequestHandler):
    """A server's API whose moderator leaves after the room was shown."""

    crowd: tuple[dict[str, Any], ...]

    def do_GET(self) -> None:
        if self.path.endswith("/rooms/r"):
            room = {"name": "r", "status": "in-progress", "started_at": None, "conference_sid": "CF1"}
            self._answer(200, room | {"participants": self.crowd})
        elif LEFT in self.path:
            self._answer(404, {"error": {"code": "participant_not_found", "message": "Nobody.", "remedy": ""}})
        else:
            here = [entry["call_sid"] for entry in self.crowd if entry["call_sid"] != LEFT]
            asked = here[:1] if "?" in self.path else here
            pairs = [
                {
                    "listener": listener,
                    "talker": talker,
                    "heard": True,
                    "gain_db": 0,
                    "reason": "self" if listener == talker and "?" not in self.path else "talk",
                }
                for listener in asked
                for talker in asked
            ]
            self._answer(200, {"pairs": pairs})

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    ("count", "row"), [(2, ["A", "u-0", "·", "yes", "?"]), (40, ["A", "40", "participants", "yes", "?"])]
)
def test_who_left_meanwhile_is_drawn_as_unknown(
    server: ThreadingHTTPServer, tmp_path: Path, count: int, row: list[str]
) -> None:
    Busy.crowd = (*(participant(f"u-{number}") for number in range(count)), participant("moderator", end_on_exit=True))
    left = roomtone("room", "r", folder=tmp_path, ROOMTONE_URL=f"http://127.0.0.1:{server.server_port}")
    assert (left.code, left.err) == (0, "")
    assert row in [line.replace("|", " ").split() for line in left.out.splitlines()]
