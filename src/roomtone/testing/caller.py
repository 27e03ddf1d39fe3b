"""The robot caller: a real SIP phone on a core of its own, for tests and for `roomtone call`.

It dials, sends tones, clips and keys, and hears: an `Ear` is fed with what arrives, decoded, after the jitter buffer.
Live it binds sockets; on a virtual network it is one more host there. In its script of keys `w` is half a second, `W` a
second, and `?` waits until the document of the call listens for keys: `listening` tells, where the server can be asked
(None: it does not know the call yet); elsewhere 700 ms of silence must do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from roomtone.calls.line import LineEnd
from roomtone.media.core import Digit, LegLost, LegSilent, Media
from roomtone.sip import Endpoint, OutboundLine, RefusedError, Signalling, Surroundings
from roomtone.sip.address import read_uri
from roomtone.testing.ear import Ear

if TYPE_CHECKING:
    from roomtone.clock import Clock
    from roomtone.media.core import Batch, Clip, Codec, Core, Event
    from roomtone.sip.core import Direction

__all__ = ["Listening", "Phone", "RefusedError", "RobotCall", "UnansweredError"]

Listening = Callable[[], Awaitable[bool | None]]

TONE_DBM0 = -15.0
TONE_MS = 24 * 3600 * 1000  # until it is stopped
KEY_S = 0.2  # a key and the gap after it
PAUSES_S = {"w": 0.5, "W": 1.0}
SILENCE_BEFORE_KEYS_S = 0.7
LISTENING_POLL_S = 0.1
ANSWER_S_MAX = 60.0


class UnansweredError(RefusedError):
    """It rang, and nobody took it in the time that was given. `status` is 408."""


class Phone:
    """One core with a signalling address, from which calls are made. `close` it at the end."""

    def __init__(
        self,
        core: Core,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        codecs: Sequence[Codec] = ("PCMU", "PCMA"),
        telephone_event: bool = True,
        seed: int | None = None,
    ) -> None:
        """`core`: live, or on a network where it is called `host`. Without `telephone_event` its keys are tones."""
        self.core = core
        self.clock = clock
        self.host = host
        self.media = Media(core)
        source = random.SystemRandom() if seed is None else random.Random(f"{seed} {host}")
        self.signalling = Signalling(
            core, self.media, clock, source, Surroundings(core), codecs, telephone_event=telephone_event
        )
        self.media.on_sip = Endpoint(self.signalling).handle
        self.address = core.sip_listen("udp", host, port)
        self._transports = {"udp"}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Hears its core from now on (live; on a network the world pumps)."""
        self._loop = asyncio.get_running_loop()
        self.media.attach(self._loop)

    def close(self) -> None:
        """Again is harmless."""
        self.media.close(self._loop)
        self._loop = None

    async def dial(
        self,
        target: str,
        *,
        caller: str = "robot",
        display: str = "",
        destination: tuple[str, str, int] | None = None,
        listening: Listening | None = None,
        records: bool = False,
        is_offerless: bool = False,
        answer_s_max: float = ANSWER_S_MAX,
    ) -> RobotCall:
        """Calls the SIP URI `target`; returns when it was answered. `caller`: user part of our address, or a whole URI.
        RefusedError; UnansweredError when nobody has answered in `answer_s_max`.
        """
        call = RobotCall(
            self,
            target,
            caller,
            display,
            destination or _destination(target),
            is_offerless=is_offerless,
            records=records,
        )
        call.listening = listening
        await call.dial(answer_s_max)
        return call

    def listen(self, transport: str) -> None:
        """Opens a signalling socket of that kind, if there is none yet: calls over TCP need one that can be reached."""
        if transport == "tcp" and transport not in self._transports:
            self.core.sip_listen("tcp", self.host, 0)
            self._transports.add(transport)

    def load(self, audio: bytes) -> Clip:
        """A sound file to be played. Blocks: call it in a thread. MediaError."""
        return self.core.load_clip(audio)


class RobotCall:
    """One call of a phone."""

    def __init__(
        self,
        phone: Phone,
        target: str,
        caller: str,
        display: str,
        destination: tuple[str, str, int],
        *,
        is_offerless: bool,
        records: bool,
    ) -> None:
        self.phone = phone
        self.listening: Listening | None = None
        self.ear = Ear(records=records)
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._media = phone.media
        self._leg = self._media.new_id()
        self._bus = self._media.new_id()
        self._tap = self._media.new_id()
        self._player = 0
        self._heard = asyncio.Event()  # set and replaced at each window
        self._is_open = True
        phone.listen(destination[0])
        port = self._media.open_leg(self._leg)
        host = phone.signalling.surroundings.media_host(destination[0], destination[1])
        session = phone.signalling.session(self._leg, port, host)
        own = caller if ":" in caller else f"sip:{caller}@{_in_uri(host)}"
        self.line = OutboundLine(
            phone.signalling, target, own, destination, self._leg, session, display=display, is_offerless=is_offerless
        )
        self.line.on_end = self._on_end

    @property
    def sip_call_id(self) -> str:
        """By which the server's calls can be found."""
        return self.line.sip_call_id

    def now_s(self) -> float:
        """Of the core's clock, on which the ear's windows are timed."""
        return self.phone.core.now_us() / 1e6

    # --- call and end -------------------------------------------------------------------------------------------------

    async def dial(self, answer_s_max: float = ANSWER_S_MAX) -> None:
        """RefusedError, and then the call is closed."""
        self._media.on_leg(self._leg, self._on_leg)
        self._media.on_tap(self._tap, self._on_tap)
        batch = self._media.batch()
        batch.open_bus(self._bus)
        batch.move(self._leg, self._bus)
        batch.row(self._leg, sends="nobody", hears=True)
        batch.tap(self._tap, self._leg, "decoded")
        self._media.submit(batch)
        try:
            async with self.phone.clock.timeout(answer_s_max):
                await self.line.dial()
        except TimeoutError:
            self.line.hang_up()
            self._close("not answered")
            raise UnansweredError(408, "not answered") from None
        except BaseException as error:
            self.line.hang_up()
            self._close(str(error))
            raise

    def hang_up(self) -> None:
        """Ends it from our side. Again is harmless."""
        self.line.hang_up()
        self._close("we hung up")

    def vanish(self) -> None:
        """As if the plug had been pulled: no packets and no BYE any more."""
        self._close("vanished")

    def hold(self, direction: Direction = "sendonly") -> None:
        """A re-INVITE: `sendonly` or `inactive` holds, `sendrecv` takes it back."""
        self.line.offer_again(direction)

    # --- what it sends ------------------------------------------------------------------------------------------------

    def tone(self, hertz: float, dbm0: float = TONE_DBM0) -> None:
        """Sounds until something else is sent."""
        batch, player = self._new_player()
        batch.append_tone(player, hertz, TONE_MS, dbm0)
        self._media.submit(batch)

    def play(self, clip: Clip, loops: int = 1) -> None:
        """In the place of what it sent before; `loops` 0: for ever."""
        batch, player = self._new_player()
        batch.append_clip(player, clip, loops)
        batch.finish(player)
        self._media.submit(batch)

    def quiet(self) -> None:
        """Sends nothing any more."""
        if self._player:
            batch = self._media.batch()
            batch.stop(self._player)
            self._media.submit(batch)
        self._player = 0

    def _new_player(self) -> tuple[Batch, int]:
        self.quiet()
        self._player = self._media.new_id()
        batch = self._media.batch()
        batch.play(self._player, leg=self._leg)
        return batch, self._player

    async def keys(self, script: str) -> None:
        """Presses keys as the script says. Returns when the last one is out, or the call has ended."""
        for step in script:
            if not self._is_open:
                return
            if step in PAUSES_S:
                await self.phone.clock.sleep(PAUSES_S[step])
            elif step == "?":
                await self._until_listening()
            else:
                batch = self._media.batch()
                batch.send_digits(self._leg, step)
                self._media.submit(batch)
                await self.phone.clock.sleep(KEY_S)

    async def _until_listening(self) -> None:
        while self._is_open:
            known = await self.listening() if self.listening is not None else None
            if known or (known is None and self.ear.silent_for_s() >= SILENCE_BEFORE_KEYS_S):
                return
            await self.phone.clock.sleep(LISTENING_POLL_S)

    # --- what it hears ------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[Ear], bool], timeout_s: float = 30.0) -> None:
        """Returns as soon as the ear says so, asked at each window of 100 ms. AssertionError, with what is heard, when
        it never does.
        """
        try:
            async with self.phone.clock.timeout(timeout_s):
                while not condition(self.ear):
                    await self._heard.wait()
        except TimeoutError:
            heard = ", ".join(self.ear.describe()) or "nothing"
            raise AssertionError(f"not heard in {timeout_s:g} s; in the last second: {heard}") from None

    # --- what happens to it -------------------------------------------------------------------------------------------

    def _on_tap(self, _event: Event | None = None) -> None:
        time_us, rate_hz, pcm = self.phone.core.read_tap(self._tap)
        before = self.ear.windows[-1].time_s if self.ear.windows else -1.0
        self.ear.feed(time_us / 1e6, rate_hz, pcm)
        if self.ear.windows and self.ear.windows[-1].time_s > before:
            heard, self._heard = self._heard, asyncio.Event()
            heard.set()

    def _on_leg(self, event: Event) -> None:
        match event:
            case Digit():
                self.ear.press(event.digit)
            case LegSilent():
                self.line.hang_up()
                self._close("no packets from the far end")
            case LegLost():
                self.line.hang_up()
                self._close("the media core gave its leg up")
            case _:
                pass

    def _on_end(self, end: LineEnd) -> None:
        self._close("the far end hung up" if end is LineEnd.HUNG_UP else end.value)

    def _close(self, reason: str) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._on_tap()
        self._media.on_leg(self._leg, None)
        self._media.on_tap(self._tap, None)
        batch = self._media.batch()
        batch.untap(self._tap)
        batch.close_leg(self._leg)
        batch.close_bus(self._bus)
        self._media.submit(batch)
        self.ended.set_result(reason)


def _destination(target: str) -> tuple[str, str, int]:
    """Where a URI with an address in it leads. Names are resolved by who dials."""
    address = read_uri(target)
    return address.transport, address.host, address.port or 5060


def _in_uri(host: str) -> str:
    return f"[{host}]" if ":" in host else host
