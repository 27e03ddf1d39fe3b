"""A run: one chain of documents, its verbs one after the other.

A run is (document, allowed verbs, sink, cancel). A call has one main run, and while it waits in a room at most one wait
run beside it; the wait run may not do everything (13238) and its end or failure means silence, where that of the main
run ends the call.

Rules: consecutive verbs that sound are one playlist. A document that cannot be run is logged with its code and asks the
fallback once (A14). A chain that does nothing is paced and ended (A16). What becomes of each verb is told to the
request that brought it, as it happens.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from roomtone.calls.document import Document, DocumentError, Finding, Verb
from roomtone.calls.pacing import ENDLESS_CHAIN_CODE, SLOWED_MESSAGE, EndlessChainError, Pacing
from roomtone.calls.playable import Playable, PlayableError
from roomtone.calls.playlist import Playlist
from roomtone.calls.reports import Reports
from roomtone.calls.sources import Sources
from roomtone.calls.step import ADVANCE, Advance, Fetch, Finish, LastRequest, Step
from roomtone.calls.verbs.hangup import Hangup
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.sound import Sound
from roomtone.webhooks.report import Outcome
from roomtone.webhooks.request import Answer, Webhook, WebhookError

if TYPE_CHECKING:
    from roomtone.calls.call import Call
    from roomtone.media.core import Batch, Clip

__all__ = ["Ending", "Purpose", "Run", "Sink"]

FINDINGS_MAX = 200
"""Entries of the debug log that one document may cause; the request's report names every verb all the same."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a run sounds: in the ear of one leg, or on a bus."""

    leg: int = 0
    bus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a run is for, and what it may do."""

    kind: Literal["main", "wait"]
    allowed: frozenset[type[Verb]] | None = None  # None: every verb
    parameters: tuple[tuple[str, str], ...] = ()  # with every request of the run
    conference_sid: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ended, in a few words, and whether for want of a document."""

    reason: str
    failed: bool = False


class _EndOfRunError(Exception):
    """There is no document any more; why has been logged. `reason` is for the call's row."""


class Run:
    """One chain of documents of one call. `go` runs it; cancelling that ends it at once."""

    def __init__(self, call: Call, purpose: Purpose, sink: Sink) -> None:
        self.call = call
        self.services = call.services
        self.dialect = call.dialect
        self.purpose = purpose
        self.sink = sink
        self.url = ""  # of the document that runs
        self.request_id = ""  # that brought it
        self.reports: Reports
        self.sources = Sources(call.services, call.route.account.sid, call.sid)
        self._pacing = Pacing(self.services.clock)
        self._playlist: Playlist | None = None
        self._findings = 0  # of the document that runs

    async def go(self, first: Fetch) -> Ending:
        """Until nothing is left to run."""
        fetch = first
        try:
            while True:
                step = await self._run_document(await self._document(fetch))
                match step:
                    case Fetch():
                        fetch = step
                    case LastRequest():
                        await self._ask_in_vain(step.fetch)
                        return Ending("hung up in a room")
                    case Finish():
                        return Ending("the document hung up")
                    case Advance():
                        return Ending("the document ended")
        except _EndOfRunError as end:
            return Ending(str(end), failed=True)

    def stop_sound(self, batch: Batch) -> None:
        """What sounds ends within `batch`; the run itself is to be cancelled beside it."""
        if self._playlist is not None:
            self._playlist.stop(batch)

    # --- for verbs ----------------------------------------------------------------------------------------------------

    async def play(self, verbs: Sequence[Playable], *, stop_on_digit: bool = False) -> bool:
        """Plays them in one go: True when all was played, False when a key cut it short."""
        self._playlist = Playlist(self, verbs, stop_on_digit=stop_on_digit)
        try:
            return await self._playlist.play()
        finally:
            self._playlist = None

    def did_something(self) -> None:
        """A verb took its time: the chain is no endless one (A16)."""
        self._pacing.did_something()

    def finding(self, finding: Finding, conference_sid: str | None = None) -> None:
        """Into the debug log, and to the request of this run's document."""
        self._find((finding,), conference_sid)

    def _find(self, findings: Sequence[Finding], conference_sid: str | None = None) -> None:
        """Of one document not more than `FINDINGS_MAX`."""
        kept = findings[: FINDINGS_MAX - self._findings]
        if not kept:
            return
        self._findings += len(kept)
        for finding in kept:
            self.call.debug_log.finding(
                finding, self.request_id, self.url, conference_sid or self.purpose.conference_sid
            )
        self.services.journal.found(self.request_id, kept)

    # --- documents ----------------------------------------------------------------------------------------------------

    async def _document(self, fetch: Fetch) -> Document:
        """The document that `fetch` names, or what the fallback has in its stead."""
        try:
            if self._pacing.begins_to_slow:
                self.finding(Finding(ENDLESS_CHAIN_CODE, SLOWED_MESSAGE))
            await self._pacing.before_document()
            return await self._fetched(fetch)
        except EndlessChainError as error:
            self.finding(Finding(error.code, error.message, "error"))
            raise _EndOfRunError(error.message) from error
        except (WebhookError, DocumentError) as error:
            self._log_failure(error)
            fallback = self._fallback(error, fetch)
            if fallback is None:
                raise _EndOfRunError(f"no document: {error.message}") from error
        try:
            return await self._fetched(fallback)
        except (WebhookError, DocumentError) as error:
            self._log_failure(error)
            raise _EndOfRunError(f"no document, and the fallback failed: {error.message}") from error

    def _fallback(self, error: WebhookError | DocumentError, fetch: Fetch) -> Fetch | None:
        application = self.call.route.application
        if self.purpose.kind != "main" or not application.fallback_url:
            return None
        method: Literal["GET", "POST"] = "GET" if application.fallback_method == "GET" else "POST"
        failed_url = error.url if isinstance(error, WebhookError) else self.url or fetch.url
        return Fetch(
            "fallback", application.fallback_url, method, self.dialect.fallback_parameters(error.code, failed_url)
        )

    async def _fetched(self, fetch: Fetch) -> Document:
        self._findings = 0
        url = fetch.url or self.url
        own = self.services.hold_music.document(url)
        if own is not None:
            self.url = url
            self.request_id = ""
            return own
        answer = await self.services.webhooks.fetch(self._webhook(fetch, url))
        self.url = answer.url
        self.request_id = answer.request_id
        if answer.content_type.startswith("audio/"):
            return await self._heard(answer)
        try:
            document = self.dialect.parse(answer.body, answer.content_type, answer.url)
        except DocumentError as error:
            self.services.journal.refused(answer.request_id, error.code, error.message)
            raise
        self._find(document.findings)
        return document

    async def _heard(self, answer: Answer) -> Document:
        """Audio where a document could have been: played, then the call hangs up; for those who wait it loops (T7)."""
        try:
            clip: Clip | PlayableError = await self.sources.decoded(answer)
        except PlayableError as error:
            clip = error
        if self.purpose.kind == "wait":
            return Document(verbs=(Sound(clip=clip, loop=0, path="/"),))
        return Document(verbs=(Sound(clip=clip, path="/"), Hangup(path="/")))

    def _webhook(self, fetch: Fetch, url: str) -> Webhook:
        return Webhook(
            kind=fetch.kind,
            url=url,
            method=fetch.method,
            parameters=(*self.dialect.call_parameters(self.call.facts), *self.purpose.parameters, *fetch.parameters),
            account_sid=self.call.route.account.sid,
            call_sid=self.call.sid,
            conference_sid=self.purpose.conference_sid,
            number=self.call.route.number.number,
            bytes_max=self.dialect.document_bytes_max or self.services.limits.document_bytes_max,
            signer=self.call.signer,
        )

    async def _ask_in_vain(self, fetch: Fetch) -> None:
        try:
            answer = await self.services.webhooks.fetch(self._webhook(fetch, fetch.url or self.url))
            answer.close()
        except WebhookError as error:
            self._log_failure(error)

    def _log_failure(self, error: WebhookError | DocumentError) -> None:
        if isinstance(error, WebhookError):
            self.call.debug_log.request_failed(error, self.purpose.conference_sid)
            return
        finding = Finding(error.code, error.message, "error", line=error.line, column=error.column)
        self.finding(finding)

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def _run_document(self, document: Document) -> Step:
        """Its verbs in their order, until one leads elsewhere."""
        request_id = self.request_id
        journal = self.services.journal
        self.reports = Reports(document, self.services.clock, lambda reports: journal.verbs(request_id, reports))
        for group in _groups(self._allowed(document.verbs)):
            step = await self._run_group(group)
            if not isinstance(step, Advance):
                return step
        return ADVANCE

    def _allowed(self, verbs: Sequence[Verb]) -> Iterator[Verb]:
        for verb in verbs:
            if self.purpose.allowed is None or isinstance(verb, (Sound, *self.purpose.allowed)):
                yield verb
                continue
            code = self.dialect.forbidden_wait_code
            reason = (
                f"{verb.what if isinstance(verb, NotYet) else verb.NAME} may not stand in the document of a waitUrl"
            )
            self.reports.ended(verb, Outcome.IGNORED, reason, code)
            self.finding(Finding(code, reason, self.dialect.level(code), line=verb.line, path=verb.path))

    async def _run_group(self, group: Sequence[Verb]) -> Step:
        sounds = [verb for verb in group if isinstance(verb, Playable)]
        if sounds:
            remaining = await self._delay_answer(sounds)
            if remaining:
                await self.call.answer()
                await self.play(remaining)
            return ADVANCE
        (verb,) = group
        self.reports.started(verb)
        how = "cut short"
        try:
            step = await verb.run(self)
            how = ""
        finally:
            self.reports.close((verb,), how)
        return step

    async def _delay_answer(self, sounds: list[Playable]) -> list[Playable]:
        """Before the answer a Pause only lets it ring on; what follows the pauses comes back."""
        while sounds and isinstance(sounds[0], Pause) and not self.call.answered:
            pause = sounds[0]
            self.reports.started(pause)
            if pause.length_s > 0:
                self.did_something()
                await self.services.clock.sleep(pause.length_s)
            self.reports.ended(pause)
            sounds = sounds[1:]
        return sounds


def _groups(verbs: Iterator[Verb]) -> Iterator[tuple[Verb, ...]]:
    """Consecutive verbs that sound together, each other one alone."""
    for sounds, group in itertools.groupby(verbs, key=lambda verb: isinstance(verb, Playable)):
        if sounds:
            yield tuple(group)
        else:
            for verb in group:
                yield (verb,)
