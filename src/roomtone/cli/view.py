"""What happens on a server, for eyes: requests, their documents with what became of every verb, calls and rooms.

Lines scroll by as things happen; on a terminal the calls of the moment stand below them, each with the verb it is at. Elsewhere there are only lines. A line
about a verb comes when it begins and when it ends; those that were never reached come when the document is over.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from roomtone.cli.client import Client
from roomtone.cli.debug import entry_line
from roomtone.cli.output import console, is_live, print_json, short_sid, short_time
from roomtone.cli.verbs import verb_line, verb_style
from roomtone.errors import RoomtoneError
from roomtone.settings.identity import ACCOUNT_SID

__all__ = ["View", "follow_in_thread", "restore_terminal", "show_stream"]

_SHOW_CURSOR = "\x1b[?25h"

REQUESTS_MAX = 500
"""Requests whose state is remembered, to tell what is new about one."""

Line = dict[str, Any]
Show = Callable[[str, str], None]

_OVER = ("call-ended",)
_STYLES = {"call-ended": "cyan", "call-ringing": "cyan", "call-answered": "cyan"}


class View:
    """Turns the lines of `/events` into lines for eyes. `show(text, style)` prints one."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._requests: OrderedDict[str, Line] = OrderedDict()
        self._documents: dict[str, str] = {}  # call -> the request whose document it runs
        self._above: str | None = None  # the request that the last line was about
        self.calls: OrderedDict[str, str] = OrderedDict()  # call -> what it is at

    def take(self, line: Line) -> None:
        """One object of the stream."""
        if line.get("type") != "request":
            self._above = None
        match line.get("type"):
            case "event":
                self._event(line)
            case "request":
                self._request(line)
            case "debug":
                self._show(entry_line(line), "red" if line["level"] == "error" else "yellow")
            case _:
                self._show(str(line.get("error", line)), "red")

    def _event(self, event: Line) -> None:
        data, call = event["data"], event["call_sid"]
        room = f" {data['friendly_name']}" if data.get("friendly_name") else ""
        who = f" {short_sid(call)}" if call else ""
        details = [str(data[name]) for name in ("from", "number", "status", "reason") if data.get(name)]
        if call and event["event"].startswith("call-"):
            self.calls.setdefault(call, f"{data.get('from', '')} {data.get('status', '')}")
        if event["event"] in _OVER and call:
            self.calls.pop(call, None)
            self._document_over(self._documents.pop(call, None))
        text = f"{short_time(event['time'])} {event['event']}{room}{who} {' '.join(details)}"
        self._show(text.rstrip(), _STYLES.get(event["event"], "magenta"))

    def _request(self, request: Line) -> None:
        before = self._requests.get(request["id"], {})
        self._requests[request["id"]] = request
        self._requests.move_to_end(request["id"])
        while len(self._requests) > REQUESTS_MAX:
            self._requests.popitem(last=False)
        if _has_answer(request) and not _has_answer(before):
            self._begin_document(request)
            self._show(_request_line(request), "red" if request["error"] else "bold")
            self._above = request["id"]
        elif request["error"] and not before.get("error"):
            self._show(f"  {request['error'].get('code')} {request['error'].get('message')}", "red")
        known = {_place(verb): verb for verb in before.get("verbs", [])}
        for verb in request["verbs"]:
            self._verb(request, verb, known.get(_place(verb), {}))

    def _begin_document(self, request: Line) -> None:
        call = request["call_sid"]
        if call and request["kind"] not in ("media", "wait", "status"):
            self._document_over(self._documents.get(call))
            self._documents[call] = request["id"]

    def _verb(self, request: Line, verb: Line, before: Line) -> None:
        begins = verb.get("started") and not before.get("started")
        ends = verb.get("ended") and not before.get("ended")
        is_news = verb["outcome"] not in ("ran", "not_reached") and verb["outcome"] != before.get("outcome")
        if begins and request["call_sid"]:
            name = str(verb["path"]).removeprefix("/Response/")
            self.calls[request["call_sid"]] = f"{request['kind']} {name} (line {verb['line']})"
        if begins or ends or is_news:
            self._show_verb(request, verb)

    def _document_over(self, request_id: str | None) -> None:
        request = self._requests.get(request_id or "")
        for verb in request["verbs"] if request else ():
            if request and verb["outcome"] == "not_reached":
                self._show_verb(request, verb)

    def _show_verb(self, request: Line, verb: Line) -> None:
        """Names its call when the line above is about something else: documents of several calls run at once."""
        call = request["call_sid"]
        whose = f"  ({short_sid(call)} {request['kind']})" if call and self._above != request["id"] else ""
        self._above = request["id"]
        self._show(f"  {verb_line(verb)}{whose}", verb_style(verb))


def show_stream(lines: Iterable[Line], *, json_: bool, stderr: bool = False) -> None:
    """Until the stream ends."""
    if json_:
        for line in lines:
            print_json(line)
        return
    with _view(stderr=stderr) as view:
        for line in lines:
            view.take(line)


@contextmanager
def _view(*, stderr: bool) -> Iterator[View]:
    out = console(stderr=stderr)
    if not is_live(stderr=stderr):
        yield View(lambda text, style: out.print(text, style=style, soft_wrap=True))
        return
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=out, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False) as live:

        def show(text: str, style: str) -> None:
            live.console.print(text, style=style, soft_wrap=True)
            now = [f"● {short_sid(call)} {doing}" for call, doing in view.calls.items()]
            live.update(Text("\n".join(now), style="cyan"), refresh=True)

        view = View(show)
        yield view


def follow_in_thread(url: str, token: str, *, json_: bool) -> threading.Thread:
    """The view of `dev`, on standard error, beside the server that it looks at. The thread ends with the server."""

    def follow() -> None:
        client = Client(url, ACCOUNT_SID, token)
        try:
            show_stream(client.stream("/events", types="event,request,debug"), json_=json_, stderr=True)
        except (RoomtoneError, ValueError):
            return  # the server is gone, and with it what there was to see

    thread = threading.Thread(target=follow, name="view", daemon=True)
    thread.start()
    return thread


def restore_terminal() -> None:
    """For who leaves without an end: the view hides the cursor."""
    if is_live(stderr=True):
        sys.stderr.write(_SHOW_CURSOR)
        sys.stderr.flush()


def _place(verb: Line) -> tuple[str, int | None]:
    return verb["path"], verb["line"]


def _has_answer(request: Line) -> bool:
    return request.get("status") is not None or request.get("error") is not None


def _request_line(request: Line) -> str:
    took = f" in {request['milliseconds']} ms" if request["milliseconds"] is not None else ""
    error = request["error"]
    outcome = f"{error.get('code')} {error.get('message')}" if error else request["status"]
    digits = request["parameters"].get("Digits")
    pressed = f" Digits={digits}" if digits else ""
    sender = f" ({short_sid(request['call_sid'])})" if request["call_sid"] else ""
    return f"{short_time(request['time'])} {request['kind']} {request['method']} {request['url']}{pressed} → {outcome}{took}{sender} {request['id']}"
