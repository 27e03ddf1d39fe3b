"""The application of the numbers: documents by path over real HTTP, well or badly behaved, and what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from live import until

__all__ = ["WebApplication"]

Parameters = dict[str, str]
Behaviour = str | Callable[[BaseHTTPRequestHandler, Parameters], None]

TALK = '<Response><Dial><Conference beep="false">{room}</Conference></Dial></Response>'
FAULTS = ("broken", "slow", "trickle", "doctype", "megabyte", "endless", "cut")
STAY = '<Response><Gather timeout="3600"/></Response>'


class WebApplication:
    """`documents`: path to a document, or to a function that answers by hand. Unknown paths are 404."""

    ROOMS = ("codecs", "hold", "strangers", "garbage", "flood", "signalling")
    NUMBERS = (*ROOMS, "stay", "ring", "reject", "goodbye", *FAULTS)

    def __init__(self) -> None:
        self.documents: dict[str, Behaviour] = {
            "/stay": STAY,
            "/ring": '<Response><Pause length="60"/></Response>',
            "/reject": "<Response><Reject/></Response>",
            "/goodbye": '<Response><Play digits="1"/><Hangup/></Response>',
        }
        self.documents |= {f"/{room}": TALK.format(room=room) for room in self.ROOMS}
        self.asked: list[tuple[str, Parameters]] = []
        self.released = threading.Event()  # what hangs lets go
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                application._answer(self, dict(parse_qsl(body, keep_blank_values=True)))

            def do_GET(self) -> None:
                application._answer(self, {})

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        class Listener(ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True

        self._server = Listener(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def url(self, path: str) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def requests(self, path: str) -> list[Parameters]:
        """What came there so far."""
        return [parameters for asked, parameters in self.asked if asked == path]

    def until_asked(self, path: str, times: int = 1) -> Parameters:
        """The request of that number (from 1) at that path."""
        return until(lambda: self.requests(path)[times - 1 : times], f"{path} is asked {times} times")[0]

    def close(self) -> None:
        """Whoever hangs is let go."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, parameters: Parameters) -> None:
        path = urlsplit(handler.path).path
        self.asked.append((path, parameters))
        behaviour = self.documents.get(path)
        if callable(behaviour):
            behaviour(handler, parameters)
            return
        body = (behaviour or "").encode()
        handler.send_response(404 if behaviour is None else 200)
        handler.send_header("Content-Type", "text/xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
