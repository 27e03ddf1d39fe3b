"""What the native core offers to Python: the whole border, in one page.

Only `roomtone.media` and `roomtone.sip` import this module. Commands go in (`Batch`, `sip_*`), events come out (`Core.drain`). Nothing here calls back
into Python, and no media thread takes the GIL. Times are whole microseconds on the core's own clock (`now_us`): monotonic in a live core, virtual on a
`Network`. Ids of legs, buses, players, clips and taps are chosen by `Core.new_id` and never used again.
"""

from collections.abc import Sequence
from typing import Literal, final

Codec = Literal["opus", "PCMU", "PCMA"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]  # as *we* send and receive

BORDER: str  # hash of this page as it was when the module was built; `roomtone.media` compares

class LimitReached(Exception):
    """A named limit was met (no free RTP port, clip too long ...); `str()` names the limit."""

class MediaError(Exception):
    """Bytes that are no audio we can decode; `str()` says what they looked like."""

class SdpError(Exception):
    """An SDP that cannot be parsed (`status` 400) or holds nothing we can take (`status` 488)."""

    status: int

# --- the virtual network -------------------------------------------------------------------------------------------------------------------

@final
class Network:
    """A world of virtual time. Cores made on it exchange datagrams in memory; `run_until` is the only thing that moves the clock."""

    def __init__(self, seed: int) -> None: ...
    def now_us(self) -> int: ...
    def run_until(self, deadline_us: int, stop_on_event: bool) -> int:
        """Runs ticks, datagrams and timers up to `deadline_us`, or to the end of the instant in which a core has an event to drain. The new now."""
    def impair(
        self,
        *,
        loss: float = 0.0,
        jitter_ms: float = 0.0,
        delay_ms: float = 0.0,
        duplicate: float = 0.0,
        source: str = "",
        rtp_only: bool = True,
    ) -> None:
        """From now on datagrams from host `source` (empty: all) are lost, delayed (exponential jitter) and repeated at random, from the seed."""
    def inject(self, source: tuple[str, int], destination: tuple[str, int], datagram: bytes) -> None:
        """A datagram from nowhere: strangers and garbage in tests."""
    def fault(self, port: tuple[str, int]) -> None:
        """Who reads that RTP or RTCP port next panics, as a fault of ours would: for tests of what comes of it."""
    def digest(self) -> str:
        """Hash of every datagram delivered and every event drained so far, in order."""

# --- the core ------------------------------------------------------------------------------------------------------------------------------

@final
class Core:
    """Workers, signalling and prompt decoding of one server (or one robot caller). Live without `network`, virtual with one."""

    def __init__(
        self,
        *,
        network: Network | None = None,
        host: str = "127.0.0.1",  # where RTP is bound; on a Network: the name of this host there
        workers: int = 1,
        seed: int | None = None,  # SSRCs, sequence numbers, branches, tags; None: from the system
        # RTP's lowest and highest, the even ones; RTCP is one above each; (0, 0): any free ones
        rtp_ports: tuple[int, int] = (20000, 29998),
        rtp_timeout_s: int = 60,
        codecs: Sequence[Codec] = ("opus", "PCMU", "PCMA"),
    ) -> None: ...
    def new_id(self) -> int: ...
    def now_us(self) -> int: ...
    def fileno(self) -> int:
        """An eventfd, readable while events wait (live only)."""
    def drain(self) -> list[Event]:
        """All events that wait, in the order (tick, worker, sequence)."""
    def close(self) -> None:
        """Stops threads, closes sockets. Again is harmless."""
    def stats(self) -> dict[str, int | float | list[int]]:
        """Counters by their metric's name: packets by outcome, ticks, lateness histogram, catch-ups, legs, buses, dropped ..."""
    def leg_stats(self, leg: int) -> dict[str, int] | None:
        """Latest values of one leg by name, the unit last: packets_in, packets_out, lost, late, duplicates, concealed, strangers, jitter_us, delay_us,
        rtt_us, level_in_centi_dbm0, level_out_centi_dbm0. None when it has ended."""

    # media -------------------------------------------------------------------------------------------------------------------------------
    def open_leg(self, leg: int) -> int:
        """Binds ports at once; the local RTP port (RTCP is the next one). The leg lives on no bus until a batch moves it. LimitReached."""
    def submit(self, batch: Batch) -> int:
        """Queues a batch; it is applied whole between two ticks, moves first waiting for their legs. `Ack` carries the number returned here."""
    def load_clip(self, data: bytes, encode: Sequence[Codec] = ()) -> Clip:
        """Decodes WAV, MP3, Ogg Vorbis or FLAC, resamples once for each rate in use, and encodes at unity gain for `encode` (G.711 always). Blocks without
        the GIL: call it in a thread. MediaError; LimitReached past an hour of audio."""
    def load_pcm(self, pcm: bytes, rate_hz: int, encode: Sequence[Codec] = ()) -> Clip:
        """The same from 16-bit little-endian mono samples."""
    def read_tap(self, tap: int) -> tuple[int, int, bytes]:
        """(time in µs of the first sample, rate_hz, int16 samples) gathered since the last read; empty bytes when there is none."""

    # SIP ---------------------------------------------------------------------------------------------------------------------------------
    def sip_listen(self, transport: Literal["udp", "tcp"], host: str, port: int) -> tuple[str, int]:
        """Opens a signalling socket; the address bound. OSError when it is taken."""
    def sip_local(self, transport: str, peer: str) -> tuple[str, int]:
        """Our address as that peer would see it without NAT (the route to it, the port of the listener)."""
    def sip_respond(
        self,
        transaction: int,
        status: int,
        reason: str = "",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        to_tag: str = "",
    ) -> None:
        """Answers a server transaction. Via, From, To, Call-ID, CSeq, Record-Route and Content-Length are ours. A 2xx to INVITE is repeated until its ACK
        comes; without one in 32 s: `SipAckTimeout`. A transaction that is gone swallows the answer."""
    def sip_request(
        self,
        method: str,
        uri: str,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        *,
        destination: tuple[str, str, int] | None = None,
        flow: int | None = None,
    ) -> int:
        """Sends a request in a new client transaction (its number comes back). `headers` hold From, To, Call-ID, CSeq, Contact, Route ...; Via,
        Max-Forwards and Content-Length are ours. Where to: an open flow, else `destination` (transport, IP address, port): who has a name resolves
        it first. ACK to a 2xx goes this way too, without a transaction (0). ValueError without either."""
    def sip_refusals(self) -> list[tuple[str, str, str, int]]:
        """(reason, transport, host, port) of what was refused or dropped since the last time; of a flood, the first 64."""

    def sip_cancel(self, transaction: int) -> None:
        """CANCEL of an INVITE of ours, once a provisional answer is there."""

@final
class Clip:
    """Decoded audio, shared by all players that hold it, freed when the last lets go."""

    id: int
    milliseconds: int

@final
class Batch:
    """Commands that are applied in one moment. Order within a batch is kept. A command for an ended leg or player is acknowledged `gone`, never an error."""

    def __init__(self) -> None: ...
    def open_bus(self, bus: int, near: int = 0) -> None:
        """A mixing unit, on the least loaded worker, or on that of bus `near`."""
    def close_bus(self, bus: int) -> None:
        """Legs still on it end with it (`LegLost`)."""
    def configure(self, leg: int, media: Negotiated) -> None:
        """What offer and answer settled. A second time: codec and address change without a new leg; a new address may be latched."""
    def move(self, leg: int, bus: int) -> None: ...
    def close_leg(self, leg: int) -> None: ...
    def row(self, leg: int, *, sends: Literal["all", "nobody"] | int, hears: bool, gain_db: float = 0.0) -> None:
        """The leg's row of the hearing on its bus: heard by all, nobody or one leg; hears its bus or nothing of it (its own players always). A leg that
        is moved arrives with (nobody, hears)."""
    def play(
        self, player: int, *, leg: int = 0, bus: int = 0, gain_db: float = 0.0, stop_on_digit: bool = False
    ) -> None:
        """A new player, into the ear of one leg or into a bus. It plays its list in order without a gap and is silent when it has run dry."""
    def append_clip(self, player: int, clip: Clip, loops: int = 1) -> None:
        """`loops` 0: for ever."""
    def append_tone(self, player: int, hertz: float, milliseconds: int, dbm0: float) -> None: ...
    def append_silence(self, player: int, milliseconds: int) -> None: ...
    def finish(self, player: int) -> None:
        """No more will be appended: the player ends after its last item."""
    def stop(self, player: int) -> None: ...
    def send_digits(self, leg: int, digits: str) -> None:
        """RFC 4733 events to the far end (tones where it has none); `w` and `W` pause half a second and one."""
    def press(self, leg: int, digit: str) -> None:
        """A key of the far end that came in signalling: the same Digit follows as for one in RTP."""
    def relay_digit(self, bus: int, digit: str, except_leg: int) -> None:
        """The key again, to every leg of the bus that hears, but one."""
    def direction(self, leg: int, *, sends: bool, receives: bool) -> None:
        """Hold: whether we send to it and take from it."""
    def tap(
        self, tap: int, leg: int, point: Literal["decoded", "mixed"], seconds_max: int = 60, notify_ms: int = 100
    ) -> None:
        """A copy of what the leg says (after decoding) or hears (after mixing), read by `Core.read_tap`; `TapReady` each `notify_ms`."""
    def untap(self, tap: int) -> None: ...

# --- SDP, pure functions --------------------------------------------------------------------------------------------------------------------

@final
class Negotiated:
    """What offer and answer settled for the audio of a call."""

    codec: Codec
    payload_type: int  # what we send
    telephone_event: int | None  # payload type, and its clock below
    telephone_event_rate_hz: int
    comfort_noise: int | None
    remote_host: str
    remote_port: int
    remote_rtcp_port: int
    direction: Direction
    ptime_ms: int
    session_version: int

def sdp_offer(
    *,
    host: str,
    port: int,
    session_id: int,
    session_version: int,
    codecs: Sequence[Codec],
    direction: Direction = "sendrecv",
    telephone_event: bool = True,
) -> bytes:
    """`telephone_event`: whether keys may be RFC 4733 events; without it they have to be tones."""

def sdp_answer(
    offer: bytes,
    *,
    host: str,
    port: int,
    session_id: int,
    session_version: int,
    codecs: Sequence[Codec],
    direction: Direction = "sendrecv",
    telephone_event: bool = True,
) -> tuple[bytes, Negotiated]:
    """Our answer and what it settles (RFC 3264). Codec: the first of `codecs` that was offered. m-lines we refuse get port 0. SdpError."""

def sdp_accept(offer: bytes, answer: bytes) -> Negotiated:
    """What the far end's answer to our offer settles. SdpError."""

# --- events ---------------------------------------------------------------------------------------------------------------------------------

@final
class Ack:
    """A batch has been applied. Who has it has seen all that came before it on that worker."""

    time_us: int
    batch: int
    gone: list[int]  # legs and players that had ended

@final
class Digit:
    """A key, once, whatever was lost or repeated. Sent when it begins; in the band when it is known, some 40 ms later."""

    time_us: int
    leg: int
    digit: str
    in_band: bool  # found as tones in the audio of a leg without telephone-event: whoever hears the leg has heard it

@final
class ItemStarted:
    time_us: int
    player: int
    item: int  # from 0, in the order of append

@final
class ItemDone:
    time_us: int
    player: int
    item: int

@final
class PlayerDone:
    """The last word of a player."""

    time_us: int
    player: int
    reason: Literal["finished", "stopped", "digit", "gone"]

@final
class LegSilent:
    """No RTP and no RTCP for `rtp_timeout_s` while the far end should send (A25)."""

    time_us: int
    leg: int

@final
class LegLost:
    """The core ended a leg by itself (backlog full, or its bus ended before it): counted, and this is its last event."""

    time_us: int
    leg: int

@final
class BusLost:
    """A fault of ours broke a bus in mid-tick: the core ended it. The last words of its players and `LegLost` of its legs follow."""

    time_us: int
    bus: int
    reason: str  # what the panic said and where; with RUST_BACKTRACE its backtrace

@final
class ThreadLost:
    """A fault of ours that no bus contains ended a thread of the core, for good."""

    time_us: int
    thread: str  # media-0 …, signalling
    reason: str

@final
class TapReady:
    time_us: int
    tap: int

@final
class SipMessage:
    """A parsed request or response. Header names are case-insensitive, compact forms are known."""

    method: str  # of a response: that of its CSeq
    uri: str  # request URI; "" in a response
    status: int  # 0 in a request
    reason: str
    call_id: str
    cseq: int
    from_uri: str
    from_tag: str
    from_display: str
    to_uri: str
    to_tag: str
    contact_uri: str
    routes: list[str]  # Record-Route, top to bottom, each a whole name-addr
    body: bytes
    source: tuple[str, str, int]  # transport, host, port it came from
    flow: int
    def header(self, name: str) -> str | None: ...
    def headers(self, name: str) -> list[str]: ...

@final
class SipRequest:
    time_us: int
    transaction: int  # answer it with sip_respond
    message: SipMessage

@final
class SipCancelled:
    """A CANCEL met an INVITE that has no final answer yet. The CANCEL is answered; 487 to the INVITE is ours to send."""

    time_us: int
    transaction: int  # of the INVITE

@final
class SipAck:
    """ACK to a 2xx of ours."""

    time_us: int
    message: SipMessage

@final
class SipAckTimeout:
    time_us: int
    transaction: int
    call_id: str
    to_tag: str

@final
class SipResponse:
    time_us: int
    transaction: int
    message: SipMessage

@final
class SipFailed:
    """A client transaction without an answer: time-out or transport error."""

    time_us: int
    transaction: int
    reason: Literal["timeout", "transport"]

@final
class SipFlowClosed:
    time_us: int
    flow: int

Event = (
    Ack
    | Digit
    | ItemStarted
    | ItemDone
    | PlayerDone
    | LegSilent
    | LegLost
    | BusLost
    | ThreadLost
    | TapReady
    | SipRequest
    | SipCancelled
    | SipAck
    | SipAckTimeout
    | SipResponse
    | SipFailed
    | SipFlowClosed
)
