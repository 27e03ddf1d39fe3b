"""What leads a run: one document after the other, their verbs one after the other.

A run is (document, allowed verbs, sink, cancel). A call has one main run, and while it waits in a room at most one wait
run beside it; the wait run may not do everything (13238) and its end or failure means silence, where that of the main
run ends the call.

Rules: consecutive verbs that sound are one playlist. A document that cannot be run is logged with its code and asks the
fallback once (A14). A chain that does nothing is paced and ended (A16). What becomes of each verb is told to the
request that brought it, as it happens.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog

from roomtone.calls.directive import Directive
from roomtone.calls.document import Document, DocumentError, Verb
from roomtone.calls.line import LineEndedError
from roomtone.calls.pacing import ENDLESS_CHAIN_CODE, SLOWED_MESSAGE, EndlessChainError
from roomtone.calls.playable import Playable
from roomtone.calls.playlist import Playlist
from roomtone.calls.reports import Reports
from roomtone.calls.sources import PlayableError
from roomtone.calls.step import ADVANCE, Advance, Fetch, Finish, LastRequest, Step
from roomtone.calls.verbs.hangup import Hangup
from roomtone.calls.verbs.not_yet import NotYet
from roomtone.calls.verbs.pause import Pause
from roomtone.calls.verbs.sound import Sound
from roomtone.webhooks.report import Finding, Outcome
from roomtone.webhooks.request import Answer, Webhook, WebhookError
from roomtone.webhooks.target import without_credentials

if TYPE_CHECKING:
    from roomtone.calls.run import Run
    from roomtone.media.core import Clip

__all__ = ["Ending", "interpret", "report_fault"]

_log = structlog.get_logger("roomtone.calls")

_PLAY = "/Response/Play[1]"  # where audio would stand that is a document by itself


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ended, in a few words, and whether for want of a document."""

    reason: str
    failed: bool = False


def report_fault(run: asyncio.Task[Ending], call_sid: str) -> None:
    """What a run died of is ours to know, when it is neither the call's end nor the line's."""
    if run.cancelled():
        return
    fault = run.exception()
    if fault is not None and not isinstance(fault, LineEndedError):
        _log.error("call.run_failed", call_sid=call_sid, exc_info=fault)


class _EndOfRunError(Exception):
    """There is no document any more; why has been logged. `reason` is for the call's row."""


async def interpret(run: Run, first: Fetch) -> Ending:
    """Runs the document that `first` names and what follows from it, until nothing is left; cancelling that ends the run at once."""
    return await _Interpreter(run).go(first)


class _Interpreter:
    """Documents and verbs of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._call = run.call
        self._services = run.services
        self._dialect = run.dialect
        self._purpose = run.purpose

    async def go(self, first: Fetch) -> Ending:
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

    # --- documents ----------------------------------------------------------------------------------------------------

    async def _document(self, fetch: Fetch) -> Document:
        """The document that `fetch` names, or what the fallback has in its stead."""
        try:
            if self._run.pacing.begins_to_slow:
                self._run.finding(Finding(ENDLESS_CHAIN_CODE, SLOWED_MESSAGE))
            await self._run.pacing.before_document()
            return await self._fetched(fetch)
        except EndlessChainError as error:
            self._run.finding(Finding(error.code, error.message, "error"))
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
        application = self._call.route.application
        if self._purpose.kind != "main" or not application.fallback_url:
            return None
        method: Literal["GET", "POST"] = "GET" if application.fallback_method == "GET" else "POST"
        failed_url = error.url if isinstance(error, WebhookError) else self._run.url or fetch.url
        parameters = self._dialect.fallback_parameters(error.code, without_credentials(failed_url))
        return Fetch("fallback", application.fallback_url, method, parameters)

    async def _fetched(self, fetch: Fetch) -> Document:
        url = fetch.url or self._run.url
        own = self._services.hold_music.document(url)
        if own is not None:
            self._run.turn_to(url, "")
            return own
        answer = await self._services.webhooks.fetch(self._webhook(fetch, url))
        self._run.turn_to(answer.url, answer.request_id)
        if answer.content_type.startswith("audio/"):
            return await self._heard(answer)
        try:
            document = self._dialect.parse(answer.body, answer.content_type, answer.url)
        except DocumentError as error:
            self._services.journal.refused(answer.request_id, error.code, error.message)
            raise
        self._run.find(document.findings)
        return document

    async def _heard(self, answer: Answer) -> Document:
        """Audio where a document could have been: played, then the call hangs up; for those who wait it loops (T7)."""
        try:
            clip: Clip | PlayableError = await self._run.sources.decoded(answer)
        except PlayableError as error:
            clip = error
        if self._purpose.kind == "wait":
            return Document(verbs=(Sound(clip=clip, loop=0, path=_PLAY),))
        return Document(verbs=(Sound(clip=clip, path=_PLAY), Hangup(path="/Response/Hangup[1]")))

    def _webhook(self, fetch: Fetch, url: str) -> Webhook:
        return Webhook(
            kind=fetch.kind,
            url=url,
            method=fetch.method,
            parameters=(*self._dialect.call_parameters(self._call.facts), *self._purpose.parameters, *fetch.parameters),
            account_sid=self._call.route.account.sid,
            call_sid=self._call.sid,
            conference_sid=self._purpose.conference_sid,
            number=self._call.route.number.number,
            bytes_max=self._dialect.document_bytes_max or self._services.limits.document_bytes_max,
            signer=self._call.signer,
        )

    async def _ask_in_vain(self, fetch: Fetch) -> None:
        try:
            answer = await self._services.webhooks.fetch(self._webhook(fetch, fetch.url or self._run.url))
            answer.close()
        except WebhookError as error:
            self._log_failure(error)

    def _log_failure(self, error: WebhookError | DocumentError) -> None:
        if isinstance(error, WebhookError):
            self._call.debug_log.request_failed(error, self._purpose.conference_sid)
            return
        finding = Finding(error.code, error.message, "error", line=error.line, column=error.column)
        self._run.finding(finding)

    # --- verbs --------------------------------------------------------------------------------------------------------

    async def _run_document(self, document: Document) -> Step:
        """Its verbs in their order, until one leads elsewhere."""
        request_id = self._run.request_id
        journal = self._services.journal
        self._run.reports = Reports(document, self._services.clock, lambda reports: journal.verbs(request_id, reports))
        for group in _groups(self._allowed(document.verbs)):
            step = await self._run_group(group)
            if not isinstance(step, Advance):
                return step
        return ADVANCE

    def _allowed(self, verbs: Sequence[Verb]) -> Iterator[Verb]:
        for verb in verbs:
            if self._purpose.allowed is None or isinstance(verb, (Sound, *self._purpose.allowed)):
                yield verb
                continue
            code = self._dialect.forbidden_wait_code
            reason = (
                f"{verb.what if isinstance(verb, NotYet) else verb.NAME} may not stand in the document of a waitUrl"
            )
            self._run.reports.ended(verb, Outcome.IGNORED, reason, code)
            self._run.finding(Finding(code, reason, self._dialect.level(code), line=verb.line, path=verb.path))

    async def _run_group(self, group: Sequence[Verb]) -> Step:
        sounds = [verb for verb in group if isinstance(verb, Playable)]
        if sounds:
            remaining = await self._delay_answer(sounds)
            if remaining:
                await self._call.answer()
                await Playlist(self._run, remaining).play()
            return ADVANCE
        (verb,) = group
        assert isinstance(verb, Directive), verb
        self._run.reports.started(verb)
        how = "cut short"
        try:
            step = await verb.run(self._run)
            how = ""
        finally:
            self._run.reports.close((verb,), how)
        return step

    async def _delay_answer(self, sounds: list[Playable]) -> list[Playable]:
        """Before the answer a Pause only lets it ring on; what follows the pauses comes back."""
        while sounds and isinstance(sounds[0], Pause) and not self._call.answered:
            pause = sounds[0]
            self._run.reports.started(pause)
            if pause.length_s > 0:
                self._run.did_something()
                await self._services.clock.sleep(pause.length_s)
            self._run.reports.ended(pause)
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
