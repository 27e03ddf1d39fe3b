"""Robot callers in a process of their own: a phone, its calls, and what each tells.

The server is asked over its API where phones call, and whether a call is being listened to (`?` in the keys). A SIP URI may lead elsewhere: then silence
must do.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roomtone.cli.client import Client
from roomtone.cli.expectations import Expectation
from roomtone.cli.output import print_note
from roomtone.cli.report import Report, in_words
from roomtone.clock import LiveClock
from roomtone.errors import CheckFailedError, ExitCode, RoomtoneError, ServerUnreachableError, UsageError
from roomtone.media.clip_cache import SOUND_FORMATS
from roomtone.media.core import Core
from roomtone.sip.address import read_uri
from roomtone.testing.caller import Phone, RefusedError, RobotCall, UnansweredError

if TYPE_CHECKING:
    from roomtone.media.core import Clip

__all__ = ["Orders", "bad_target", "name_of", "run"]

LISTEN_S = 0.25
BEEPS_HZ = (440, 330)
BEEP_S_MAX = 0.3
BEEP_TOLD_S_MAX = 2.5
SOUNDS_S = 1.0
FAREWELL_S = 0.3
"""Time for the BYE to go out."""

DIGITS_OF_A_NUMBER_MIN = 5
_NUMBER = re.compile(rf"\+?\d{{{DIGITS_OF_A_NUMBER_MIN},}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the command line asks for."""

    target: str
    caller: str
    say: str | None
    tone_hz: float | None
    play: Path | None
    record: Path | None
    keys: str
    seconds: float
    ring_s: float
    codecs: tuple[Any, ...]
    count: int
    expectations: list[Expectation]


@dataclass(frozen=True, slots=True)
class _Destination:
    uri: str
    transport: str
    address: str  # of the far end, resolved
    port: int
    is_of_server: bool  # then its API knows every call


def run(orders: Orders, client: Client, *, json_: bool) -> ExitCode:
    """RoomtoneError. Interrupted or told to end, its calls are cancelled or hung up first."""
    try:
        return asyncio.run(_run(orders, client, json_=json_))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return ExitCode.INTERRUPTED


async def _run(orders: Orders, client: Client, *, json_: bool) -> ExitCode:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    destination = _destination(orders.target, client)
    host = _local_host(destination)
    core = Core(host=host, rtp_ports=(0, 0), codecs=orders.codecs)
    phone = Phone(core, LiveClock(), host=host, codecs=orders.codecs)
    phone.attach()
    try:
        clip = await _clip(orders, phone)
        robots = [
            _Robot(number, orders, phone, client, destination, clip, json_=json_)
            for number in range(1, orders.count + 1)
        ]
        results = await asyncio.gather(*(robot.live() for robot in robots), return_exceptions=True)
    finally:
        await phone.clock.sleep(FAREWELL_S)
        phone.close()
    return _outcome(results)


def _outcome(results: Sequence[ExitCode | BaseException]) -> ExitCode:
    """The worst of them. Of robots that failed each is told, and the first raised: one that is no RoomtoneError before those that are."""
    failures = [(number, result) for number, result in enumerate(results, 1) if isinstance(result, BaseException)]
    if not failures:
        return max(result for result in results if isinstance(result, ExitCode))
    failures.sort(key=lambda failure: isinstance(failure[1], RoomtoneError))
    for number, failure in failures[1:]:
        print_note(f"roomtone: call {number} failed: {failure!s}")
    raise failures[0][1]


def _destination(target: str, client: Client) -> _Destination:
    if target.lower().startswith(("sip:", "sips:")):
        uri, is_of_server = target, False
    else:
        server = read_uri(client.get("/server")["sip"])
        host = client.host if server.host in ("0.0.0.0", "::") else server.host
        suffix = "" if server.transport == "udp" else f";transport={server.transport}"
        where = f"[{host}]" if ":" in host else host
        uri, is_of_server = f"sip:{target}@{where}:{server.port or 5060}{suffix}", True
    address = read_uri(uri)
    if not address.host:
        raise bad_target(target)
    try:
        resolved = socket.getaddrinfo(address.host, None, type=socket.SOCK_DGRAM)[0][4][0]
    except OSError as error:
        raise ServerUnreachableError(
            "no_such_host", f"{address.host} cannot be resolved ({error.strerror}).", "Look at the host of the target."
        ) from None
    return _Destination(uri, address.transport, str(resolved), address.port or 5060, is_of_server)


def bad_target(target: str) -> UsageError:
    """For what nobody can be called by."""
    return UsageError(
        "bad_target",
        f"{target!r} is nobody who can be called.",
        "Name a number or word of the server (demo, +15550100), or a SIP URI: sip:USER@HOST:PORT.",
    )


def name_of(caller: str, number: int, count: int) -> str:
    """Who calls, when several call: u-1, u-2 ...; a telephone number counts up from the one given."""
    if count == 1:
        return caller
    scheme, colon, rest = caller.partition(":") if ":" in caller else ("", "", caller)
    user, at, host = rest.partition("@")
    if _NUMBER.fullmatch(user):
        digits = user.removeprefix("+")
        user = user[: len(user) - len(digits)] + str(int(digits) + number - 1).zfill(len(digits))
    else:
        user = f"{user}-{number}"
    return f"{scheme}{colon}{user}{at}{host}"


def _local_host(destination: _Destination) -> str:
    """Our address on the way there; nothing is sent for it."""
    family = socket.AF_INET6 if ":" in destination.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((destination.address, destination.port))
        return str(probe.getsockname()[0])


async def _clip(orders: Orders, phone: Phone) -> Clip | None:
    if orders.play is not None:
        try:
            return await asyncio.to_thread(phone.load, orders.play.read_bytes())
        except Exception:  # whatever the decoder says of the user's file
            raise UsageError(
                "bad_sound", f"{orders.play} is no sound that can be played.", f"Name a file in {SOUND_FORMATS}."
            ) from None
    if orders.say is not None:
        from roomtone.speech import Speech  # noqa: PLC0415

        speech = Speech(phone.clock, phone.core)
        try:
            return await speech.say(orders.say)
        finally:
            await speech.close()
    return None


class _Robot:
    """One caller."""

    def __init__(
        self,
        number: int,
        orders: Orders,
        phone: Phone,
        client: Client,
        destination: _Destination,
        clip: Clip | None,
        *,
        json_: bool,
    ) -> None:
        self._number = number
        self._orders = orders
        self._phone = phone
        self._client = client
        self._destination = destination
        self._clip = clip
        self._caller = name_of(orders.caller, number, orders.count)
        who = f"[{self._caller}] " if orders.count > 1 else ""
        late_s = BEEP_TOLD_S_MAX + LISTEN_S
        self._report = Report(phone.clock.now, late_s=late_s, call=number, who=who, json_=json_)
        self._json = json_
        self._met: set[str] = set()
        self._heard: Counter[str] = Counter()
        self._before: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self._beeps: list[tuple[int, float]] = []
        self._digits = ""

    async def live(self) -> ExitCode:
        """From dialling to hanging up. However it ends, what was heard is summed up."""
        to = self._destination
        tell = self._report.tell
        tell("calling", uri=to.uri, caller=self._caller)
        try:
            call = await self._phone.dial(
                to.uri,
                caller=self._caller,
                destination=(to.transport, to.address, to.port),
                records=self._orders.record is not None,
                answer_s_max=self._orders.ring_s,
            )
        except RefusedError as error:
            reason = f"it rang for {self._orders.ring_s:g} s, and --ring says no longer"
            tell("not answered", reason=reason if isinstance(error, UnansweredError) else str(error))
            self._sum_up("not answered")
            return ExitCode.NOT_ANSWERED
        except asyncio.CancelledError:
            self._sum_up("interrupted before it was answered")
            raise
        call.listening = self._listening(call)
        self._report.answered(sip_call_id=call.sip_call_id)
        self._met.add("answered")
        try:
            await self._talk(call)
        except BaseException as error:
            self._hang_up(call, "interrupted" if isinstance(error, asyncio.CancelledError) else "a fault of ours")
            raise
        self._hang_up(call)
        return ExitCode.CHECK_FAILED if self._missed() else ExitCode.DONE

    def _hang_up(self, call: RobotCall, reason: str = "") -> None:
        call.hang_up()
        self._sum_up(reason or call.ended.result())
        self._write(call)

    async def _talk(self, call: RobotCall) -> None:
        if self._orders.tone_hz is not None:
            call.tone(self._orders.tone_hz)
        elif self._clip is not None:
            call.play(self._clip, loops=1 if self._orders.say is not None else 0)
        keys = asyncio.ensure_future(call.keys(self._orders.keys))
        keys_done_s: float | None = None
        clock = self._phone.clock
        until_s = clock.now() + self._orders.seconds
        try:
            while not call.ended.done() and (left_s := until_s - clock.now()) > 0:
                await clock.sleep(min(LISTEN_S, left_s))
                if keys_done_s is None and keys.done():
                    keys.result()
                    keys_done_s = call.now_s()
                self._listen(call, keys_done_s)
                self._report.release()
        finally:
            keys.cancel()
        if call.ended.done():
            self._met.add("ended")

    def _listen(self, call: RobotCall, keys_done_s: float | None) -> None:
        now_s = call.now_s()
        self._listen_for_digits(call)
        self._listen_for_beeps(call, now_s)
        if keys_done_s is not None:
            self._met.update(e.text for e in self._orders.expectations if e.is_met(call.ear, keys_done_s, now_s))
        if not self._is_within_beep(call, now_s):
            self._listen_for_sounds(call)

    def _listen_for_sounds(self, call: RobotCall) -> None:
        words = list(call.ear.describe()) or ["sound"]
        names = tuple(sorted(word.partition(" at ")[0] for word in words))
        if names == self._before:  # what is heard only once between two others is no news
            self._heard.update(names)
            if names != self._told:
                self._told = names
                self._report.tell("hears", what=words)
        self._before = names

    def _is_within_beep(self, call: RobotCall, now_s: float) -> bool:
        """Whether the last second, which sounds are judged by, holds a beep (with a tone it would pass for music), or one is still to be told."""
        return any(
            call.ear.is_beep(hertz, time_s)
            for hertz in BEEPS_HZ
            for time_s in call.ear.beeps(hertz, now_s - BEEP_TOLD_S_MAX)
            if time_s > now_s - SOUNDS_S - BEEP_S_MAX or not self._is_known(hertz, time_s)
        )

    def _is_known(self, hertz: int, time_s: float) -> bool:
        return any(hertz == other and abs(time_s - at_s) < BEEP_S_MAX for other, at_s in self._beeps)

    def _listen_for_digits(self, call: RobotCall) -> None:
        new = call.ear.digits[len(self._digits) :]
        if new:
            self._digits = call.ear.digits
            self._report.tell("hears", what=[f"keys {new}"])

    def _listen_for_beeps(self, call: RobotCall, now_s: float) -> None:
        for hertz in BEEPS_HZ:
            for time_s in call.ear.beeps(hertz, now_s - BEEP_TOLD_S_MAX, now_s - SOUNDS_S):
                if (
                    not self._is_known(hertz, time_s)
                    and call.ear.is_beep(hertz, time_s)
                    and not call.ear.music(time_s + BEEP_S_MAX, now_s)
                ):
                    self._beeps.append((hertz, time_s))
                    self._report.tell("beep", hertz=hertz, ago_s=now_s - time_s)

    def _listening(self, call: RobotCall) -> Callable[[], Awaitable[bool | None]]:
        def ask() -> bool | None:
            try:
                calls = self._client.get("/calls", sip_call_id=call.sip_call_id)["calls"]
            except RoomtoneError:
                return None
            if not calls:
                return False if self._destination.is_of_server else None
            return bool(calls[0]["listening"])

        return lambda: asyncio.to_thread(ask)

    def _write(self, call: RobotCall) -> None:
        path = self._orders.record
        if path is None:
            return
        if self._orders.count > 1:
            path = path.with_stem(f"{path.stem}-{self._number}")
        try:
            path.write_bytes(call.ear.wav())
        except OSError as error:
            raise CheckFailedError(
                "not_recorded", f"{path} cannot be written ({error.strerror}).", "Name another file with --record."
            ) from None

    # telling --------------------------------------------------------------------------------------------------------

    def _sum_up(self, reason: str) -> None:
        seconds = {name: round(count * LISTEN_S, 1) for name, count in self._heard.most_common()}
        missed = self._missed()
        tell = self._report.tell
        self._report.flush()
        if self._json:
            tell("over", reason=reason, heard=seconds, beeps=len(self._beeps), missed=missed)
        else:
            tell("over", reason=reason)
            heard = ", ".join(f"{in_words(name)} {length:g} s" for name, length in seconds.items())
            beeps = f"{len(self._beeps)} beep{'' if len(self._beeps) == 1 else 's'}"
            if seconds:
                tell("heard", what=[heard, beeps] if self._beeps else [heard])
        self._report.flush()
        if self._json:
            return
        for text in missed:
            print_note(f"roomtone: call {self._number}: {text} was expected and did not happen")

    def _missed(self) -> Sequence[str]:
        return [expectation.text for expectation in self._orders.expectations if expectation.text not in self._met]
