"""Every request we make, kept as a resource: what was asked, what came back, and what became of each verb of the answer.

Rules. `webhooks.capture` decides what is kept: `none` nothing, `metadata` neither parameters nor headers nor bodies, `full` all. Values of keys that a
caller pressed are masked unless allowed (`roomtone dev`), credentials and cookies always. What is kept in memory is bounded in number and bytes, the
oldest goes first; the store keeps it longer (`keep`), for `capture_hours`. A row is replaced as a whole whenever something is added, and told to everybody
who follows; a row with many verbs at most once a second, because a document of 10,000 verbs would otherwise cost the server their square.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from roomtone.clock import Clock
from roomtone.store.rows import RequestRow
from roomtone.webhooks.report import Finding, VerbReport
from roomtone.webhooks.request import Webhook
from roomtone.webhooks.target import without_credentials

__all__ = ["Capture", "Journal"]

Capture = Literal["none", "metadata", "full"]

ENTRIES_MAX = 2000
ENTRIES_BYTES_MAX = 32 * 1024 * 1024
"""Requests kept in memory: number, and bytes of their bodies and parameters."""

BODY_CHARACTERS_MAX = 102_400
"""Of an answer's body; the rest is cut."""

VERBS_AT_ONCE_MAX = 100
VERBS_EVERY_S = 1.0
"""Verbs of an answer whose row is told at each change, and how often that of a longer one is."""

_MASKED_PARAMETERS = frozenset({"Digits", "SpeechResult", "UnstableSpeechResult"})
_MASKED_HEADERS = frozenset({"authorization", "cookie", "set-cookie"})


@dataclass(slots=True)
class _Entry:
    row: RequestRow
    webhook: Webhook | None  # kept for a replay, with `full` only; in memory only
    size_bytes: int


class Journal:
    """The requests of all accounts, newest last."""

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        capture: Capture = "full",
        shows_digits: bool = False,
        keep: Callable[[RequestRow], None] | None = None,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._capture: Capture = capture
        self._shows_digits = shows_digits
        self._keep = keep
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0
        self._late_verbs: dict[str, Sequence[VerbReport]] = {}  # of long answers, until `VERBS_EVERY_S` is over

    @property
    def keeps_bodies(self) -> bool:
        """Whether it is worth reading the body of a failed answer."""
        return self._capture == "full"

    # what the client says ---------------------------------------------------------------------------------------------------------------

    def begin(self, webhook: Webhook, sent_to: str) -> str:
        """A request is about to be made; its id. URLs are shown without credentials and without the parameters of a GET."""
        request_id = self._new_id()
        row = RequestRow(
            id=request_id,
            account_sid=webhook.account_sid,
            time=self._clock.wall(),
            kind=webhook.kind,
            call_sid=webhook.call_sid,
            conference_sid=webhook.conference_sid,
            number=webhook.number,
            url=without_credentials(webhook.url),
            sent_to=without_credentials(sent_to),
            method=webhook.method,
            parameters=self._shown(webhook.parameters),
            replay_of=webhook.replay_of,
        )
        if self._capture != "none":
            self._put(row, webhook if self._capture == "full" else None)
        return request_id

    def sent(self, request_id: str, headers: Mapping[str, str]) -> None:
        """The headers that go out; of a redirected request those of the last hop stay."""
        if self._capture == "full":
            self._change(request_id, headers=_masked(headers))

    def redirected(self, request_id: str, headers: Mapping[str, str]) -> None:
        """It goes on elsewhere: where is in the headers, until the answer is there. What was answered is not known before."""
        if self._capture == "full":
            self._change(request_id, answer_headers=_masked(headers))

    def answered(
        self, request_id: str, status: int, milliseconds: int, headers: Mapping[str, str], body: bytes | None
    ) -> None:
        """The answer is there, whatever its status. `body` None: not text, or not read."""
        if self._capture == "full":
            text = None if body is None else body[:BODY_CHARACTERS_MAX].decode("utf-8", "replace")
            self._change(
                request_id, status=status, milliseconds=milliseconds, answer_headers=_masked(headers), body=text
            )
        else:
            self._change(request_id, status=status, milliseconds=milliseconds)

    def failed(self, request_id: str, code: int, message: str, milliseconds: int, status: int | None) -> None:
        """No usable answer."""
        self._change(request_id, error={"code": code, "message": message}, milliseconds=milliseconds, status=status)

    def given_up(self, request_id: str, milliseconds: int) -> None:
        """Its answer is not needed any more: neither a status nor an error, but a time."""
        self._change(request_id, milliseconds=milliseconds)

    # what the interpreter says ------------------------------------------------------------------------------------------------------------

    def verbs(self, request_id: str, reports: Sequence[VerbReport]) -> None:
        """What has become so far of the verbs of the answer: all of them, each time. The reports may change until they
        are told.
        """
        if request_id in self._late_verbs:
            self._late_verbs[request_id] = reports
        elif sum(1 + len(report.children) for report in reports) <= VERBS_AT_ONCE_MAX:
            self._change(request_id, verbs=tuple(_flat(reports)))
        elif request_id in self._entries:
            self._late_verbs[request_id] = reports
            self._clock.call_at(self._clock.now() + VERBS_EVERY_S, lambda: self._tell_verbs(request_id))

    def flush(self) -> None:
        """Tells what still waits for its second: the server stops."""
        for request_id in tuple(self._late_verbs):
            self._tell_verbs(request_id)

    def refused(self, request_id: str, code: int, message: str) -> None:
        """The answer came, but was no document that could be run."""
        self._change(request_id, error={"code": code, "message": message})

    def found(self, request_id: str, findings: Sequence[Finding]) -> None:
        """More that the application should know about its document. Told with its verbs, when those wait for their second."""
        entry = self._entries.get(request_id)
        if entry is None or not findings:
            return
        shown = [asdict(finding) for finding in findings]
        entry.row = replace(entry.row, findings=(*entry.row.findings, *shown))
        if request_id not in self._late_verbs:
            self._change(request_id)

    # what readers ask -----------------------------------------------------------------------------------------------------------------------

    def get(self, request_id: str) -> RequestRow | None:
        """None: unknown, or no longer in memory (ask the store)."""
        entry = self._entries.get(request_id)
        return entry.row if entry else None

    def rows(self) -> Iterator[RequestRow]:
        """What is in memory, newest first."""
        return (entry.row for entry in reversed(list(self._entries.values())))

    def webhook(self, request_id: str) -> Webhook | None:
        """The request to send again; None when it was not kept whole."""
        entry = self._entries.get(request_id)
        return entry.webhook if entry else None

    # ------------------------------------------------------------------------------------------------------------------------------------

    def _shown(self, parameters: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        if self._capture != "full":
            return ()
        if self._shows_digits:
            return tuple(parameters)
        return tuple((name, "*" * len(value) if name in _MASKED_PARAMETERS else value) for name, value in parameters)

    def _tell_verbs(self, request_id: str) -> None:
        reports = self._late_verbs.pop(request_id, None)
        if reports is not None:
            self._change(request_id, verbs=tuple(_flat(reports)))

    def _put(self, row: RequestRow, webhook: Webhook | None) -> None:
        entry = _Entry(row, webhook, _size(row))
        self._entries[row.id] = entry
        self._bytes += entry.size_bytes
        while len(self._entries) > ENTRIES_MAX or (self._bytes > ENTRIES_BYTES_MAX and len(self._entries) > 1):
            self._bytes -= self._entries.popitem(last=False)[1].size_bytes
        self._tell(row)

    def _change(self, request_id: str, **changes: object) -> None:
        entry = self._entries.get(request_id)
        if entry is None:
            return
        entry.row = replace(entry.row, **changes)  # type: ignore[arg-type]
        size = _size(entry.row)
        self._bytes += size - entry.size_bytes
        entry.size_bytes = size
        self._tell(entry.row)

    def _tell(self, row: RequestRow) -> None:
        if self._keep is not None:
            self._keep(row)


def _flat(reports: Sequence[VerbReport]) -> Iterator[dict[str, object]]:
    for report in reports:
        yield {
            "path": report.path,
            "line": report.line,
            "outcome": report.outcome.value,
            "reason": report.reason,
            "code": report.code,
            "started": report.started,
            "ended": report.ended,
        }
        yield from _flat(report.children)


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: "***" if name.lower() in _MASKED_HEADERS else value for name, value in headers.items()}


def _size(row: RequestRow) -> int:
    texts = sum(len(name) + len(value) for name, value in row.parameters)
    heads = sum(len(name) + len(value) for name, value in (*row.headers.items(), *row.answer_headers.items()))
    return 512 + len(row.url) + texts + heads + len(row.body or "") + 256 * (len(row.verbs) + len(row.findings))
