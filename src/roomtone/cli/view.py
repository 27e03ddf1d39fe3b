"""What happens on a server, for eyes: requests, their documents with what became of every verb, calls and rooms.

Lines scroll by as things happen; on a terminal the calls of the moment stand below them, each with the verb it is at. Elsewhere there are only lines. A verb is
told once, when it is settled, with what is nested in it: when it has ended, at once when it is ignored, and when the document is over if it was never reached.
A call may end before the last verb of its document does: a room lets go of it afterwards, and the action of its Dial is asked after that.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from roomtone.cli.client import Client
from roomtone.cli.debug import entry_line
from roomtone.cli.output import console, is_live, print_json, short_sid, short_time
from roomtone.cli.verbs import DocumentText, depth_of, verb_line, verb_style
from roomtone.errors import RoomtoneError
from roomtone.settings.identity import ACCOUNT_SID

__all__ = ["View", "follow_in_thread", "restore_terminal", "show_stream"]

_SHOW_CURSOR = "\x1b[?25h"

REQUESTS_MAX = 500
"""Requests whose state is remembered, to tell what is new about one."""

ENDED_MAX = 500
"""Calls whose end is remembered: what is told of them after it does not make them calls of the moment."""

Line = dict[str, Any]
Show = Callable[[str, str], None]

_STYLES = {"call-ended": "cyan", "call-ringing": "cyan", "call-answered": "cyan"}


class View:
    """Turns the lines of `/events` into lines for eyes. `show(text, style)` prints one."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._requests: OrderedDict[str, _Seen] = OrderedDict()
        self._documents: dict[str, str] = {}  # call -> the request whose document it runs
        self._ended: OrderedDict[str, None] = (
            OrderedDict()
        )  # calls; the document of one may still have a verb to settle
        self._above: str | None = None  # the request that the last line was about
        self._now = ""  # the latest time that was heard of
        self.calls: OrderedDict[str, str] = OrderedDict()  # call -> what it is at

    def take(self, line: Line) -> None:
        """One object of the stream."""
        match line.get("type"):
            case "event":
                self._event(line)
            case "request":
                self._request(line)
            case "debug":
                self._debug(line)
            case _:
                self._above = None
                self._show(str(line.get("error", line)), "red")

    def _event(self, event: Line) -> None:
        data, call = event["data"], event["call_sid"]
        self._time_is(event["time"])
        room = f" {data['friendly_name']}" if data.get("friendly_name") else ""
        who = f" {short_sid(call)}" if call else ""
        details = [str(data[name]) for name in ("from", "number", "status", "reason") if data.get(name)]
        if event["event"] == "call-ended" and call:
            self._call_ended(call)
        elif call and event["event"].startswith("call-"):
            self.calls.setdefault(call, f"{data.get('from', '')} {data.get('status', '')}")
        self._above = None
        self._say(f"{event['event']}{room}{who} {' '.join(details)}", _STYLES.get(event["event"], "magenta"))

    def _call_ended(self, call: str) -> None:
        self.calls.pop(call, None)
        self._ended[call] = None
        while len(self._ended) > ENDED_MAX:
            self._documents.pop(self._ended.popitem(last=False)[0], None)
        self._end_document(call)

    def _debug(self, entry: Line) -> None:
        """Among the lines of its document, where that is known."""
        style = "red" if entry["level"] == "error" else "yellow"
        seen = self._requests.get(entry.get("request_id") or "")
        if seen is None or not entry.get("line"):
            self._above = None
            self._show(entry_line(entry), style)
            return
        self._time_is(entry["time"])
        text = f"line {entry['line']}"
        self._say_of(seen.request, f"{text:<8} {entry['level']} {entry['code']} {entry['message']}", style)

    def _request(self, request: Line) -> None:
        seen = self._requests.setdefault(request["id"], _Seen({}))
        before, seen.request = seen.request, request
        call = request["call_sid"]
        self._requests.move_to_end(request["id"])
        while len(self._requests) > REQUESTS_MAX:
            self._requests.popitem(last=False)
        if _has_answer(request) and not _has_answer(before):
            self._begin_document(request)
            self._time_is(_answered_at(request))
            self._say(_request_line(request), "red" if request["error"] else "bold")
            self._above = request["id"]
        elif request["error"] and not before.get("error"):
            self._say_of(request, f"{request['error'].get('code')} {request['error'].get('message')}", "red")
        known = {_place(verb): verb for verb in before.get("verbs", [])}
        for verb in request["verbs"]:
            is_new = verb.get("started") and not known.get(_place(verb), {}).get("started")
            if call and call not in self._ended and is_new:
                name = str(verb["path"]).removeprefix("/Response/")
                line = f" (line {verb['line']})" if verb["line"] else ""
                self.calls[call] = f"{request['kind']} {name}{line}"
        self._show_verbs(seen, is_over=False)
        if call in self._ended and self._documents.get(call) == request["id"]:
            self._end_document(call)

    def _begin_document(self, request: Line) -> None:
        call = request["call_sid"]
        if call and call not in self._ended and request["kind"] not in ("media", "wait", "status"):
            self._document_over(self._documents.get(call))
            self._documents[call] = request["id"]

    def _end_document(self, call: str) -> None:
        """Of a call that has ended: once nothing of it runs any more."""
        seen = self._requests.get(self._documents.get(call, ""))
        verbs = seen.request["verbs"] if seen is not None else ()
        if not any(depth_of(verb) == 0 and verb.get("started") and not _is_settled(verb) for verb in verbs):
            self._document_over(self._documents.pop(call, None))

    def _document_over(self, request_id: str | None) -> None:
        seen = self._requests.get(request_id or "")
        if seen is not None:
            self._show_verbs(seen, is_over=True)

    def _show_verbs(self, seen: _Seen, *, is_over: bool) -> None:
        """Each verb of the document itself once, as soon as it is settled, with those that are nested in it."""
        is_shown = False
        for verb in seen.request["verbs"]:
            if depth_of(verb) == 0:
                is_at_end = is_over and verb["outcome"] == "not_reached"
                is_shown = _place(verb) not in seen.shown and (is_at_end or _is_settled(verb))
                if is_shown and not is_at_end:  # a long document may still learn that one was reached
                    self._time_is(verb.get("ended") or "")
                    seen.shown.add(_place(verb))
            if is_shown:
                says = seen.text().says(verb["path"])
                self._say_of(seen.request, verb_line(verb, says), verb_style(verb))

    def _say_of(self, request: Line, text: str, style: str) -> None:
        """Below the line of its request; names its call when the line above is about something else: documents of several calls run at once."""
        call = request["call_sid"]
        whose = f"  ({short_sid(call)} {request['kind']})" if call and self._above != request["id"] else ""
        self._above = request["id"]
        self._say(f"  {text}{whose}", style)

    def _say(self, text: str, style: str) -> None:
        self._show(f"{short_time(self._now)} {text}".rstrip(), style)

    def _time_is(self, time: str) -> None:
        """Lines are told in the order in which they come, at the time that it is then."""
        if time and (not self._now or datetime.fromisoformat(time) > datetime.fromisoformat(self._now)):
            self._now = time


@dataclass(slots=True)
class _Seen:
    """What is known of a request. `shown`: the verbs that were told of."""

    request: Line
    shown: set[tuple[str, int | None]] = field(default_factory=set)
    _text: DocumentText | None = None

    def text(self) -> DocumentText:
        """Of its document."""
        if self._text is None:
            self._text = DocumentText(self.request.get("body"))
        return self._text


def show_stream(lines: Iterable[Line], *, json_: bool, stderr: bool = False) -> None:
    """Until the stream ends."""
    if json_:
        for line in lines:
            print_json(line)
        return
    with _view(stderr=stderr) as take:
        for line in lines:
            take(line)


@contextmanager
def _view(*, stderr: bool) -> Iterator[Callable[[Line], None]]:
    out = console(stderr=stderr)
    if not is_live(stderr=stderr):
        yield View(lambda text, style: out.print(text, style=style, soft_wrap=True)).take
        return
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=out, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=stderr) as live:
        view = View(lambda text, style: live.console.print(text, style=style, soft_wrap=True))

        def take(line: Line) -> None:
            view.take(line)
            now = [f"● {short_sid(call)} {doing}" for call, doing in view.calls.items()]
            live.update(Text("\n".join(now), style="cyan"), refresh=True)

        yield take


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


def _is_settled(verb: Line) -> bool:
    return bool(verb.get("ended")) or verb["outcome"] not in ("ran", "not_reached")


def _answered_at(request: Line) -> str:
    took = timedelta(milliseconds=request["milliseconds"] or 0)
    return (datetime.fromisoformat(request["time"]) + took).isoformat()


def _has_answer(request: Line) -> bool:
    """Whether it is over: a status, an error, or neither when it was not needed any more."""
    return any(request.get(name) is not None for name in ("status", "error", "milliseconds"))


def _request_line(request: Line) -> str:
    took = f" in {request['milliseconds']} ms" if request["milliseconds"] is not None else ""
    error = request["error"]
    outcome = f"{error.get('code')} {error.get('message')}" if error else request["status"] or "not needed any more"
    digits = request["parameters"].get("Digits")
    pressed = f" Digits={digits}" if digits else ""
    sender = f" ({short_sid(request['call_sid'])})" if request["call_sid"] else ""
    return f"{request['kind']} {request['method']} {request['url']}{pressed} → {outcome}{took}{sender} {request['id']}"
