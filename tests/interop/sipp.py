"""sipp as a caller: scenarios written as steps, its signalling its own, its media that of an `RtpPhone` or of nobody.

A scenario waits for messages, never for time. Where the test decides when it goes on, the step is `nudge`: an OPTIONS that the test sends to sipp's own port.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from live import Program, free_port

__all__ = ["ACK", "BYE", "Sipp", "ack", "answer", "audio", "expect", "invite", "nudge", "request", "wait_for"]

CALLER = "@caller@"
MEDIA = "@media@"
FOUND = "found"

_DIALOG = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:@caller@@[local_ip]:[local_port]>;tag=[call_number]x[pid]
To: <sip:[service]@[remote_ip]:[remote_port]>{to_tag}
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:@caller@@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
"""


def audio(
    direction: str = "", *, version: int = 1, host: str = "127.0.0.1", formats: str = "0 101", lines: str = ""
) -> str:
    """A description with one audio line, of the phone's media port."""
    attributes = f"a={direction}\n" if direction else ""
    return f"""v=0
o=sipp 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 {host}
t=0 0
m=audio {MEDIA} RTP/AVP {formats}
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
{attributes}{lines}"""


def request(
    method: str,
    body: str = "",
    *,
    cseq: int,
    headers: str = "",
    within: bool = True,
    kind: str = "application/sdp",
    uri: str = "",
    resend: bool = True,
) -> str:
    """A request. `within`: the dialog, which a 2xx before has made. `headers`: whole lines."""
    to_tag = "[peer_tag_param]" if within else ""
    target = uri or ("[next_url]" if within else "sip:[service]@[remote_ip]:[remote_port]")
    head = f"{method} {target} SIP/2.0\n" + _DIALOG.format(to_tag=to_tag, cseq=cseq, method=method)
    head += headers and headers.rstrip("\n") + "\n"
    head += f"Content-Type: {kind}\n" if body else ""
    retrans = ' retrans="500"' if method != "ACK" and resend else ""
    return f"<send{retrans}><![CDATA[\n{head}Content-Length: [len]\n\n{body}\n]]></send>"


def invite(body: str | None = None, *, cseq: int = 1, headers: str = "", within: bool = False) -> str:
    """The first one, or with `within` another. `body` None: an ordinary offer; "": none."""
    return request("INVITE", audio() if body is None else body, cseq=cseq, headers=headers, within=within)


def ack(body: str = "", *, cseq: int = 1) -> str:
    """Of a 2xx."""
    return request("ACK", body, cseq=cseq)


def refused(*, cseq: int = 1, within: bool = False) -> str:
    """The ACK of a refusal belongs to its INVITE's transaction."""
    return f"""<send><![CDATA[
ACK {"[next_url]" if within else "sip:[service]@[remote_ip]:[remote_port]"} SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: {cseq} ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""


def expect(
    status: int, *, has: Sequence[str] = (), lacks: Sequence[str] = (), early: Sequence[int] = (100, 180)
) -> str:
    """A final answer, after the provisional ones in `early`. `has`: regular expressions that must be found in it; `lacks`: that must not."""
    provisional = "".join(f'<recv response="{code}" optional="true"/>' for code in early)
    checks = "".join(_search(pattern, "check_it") for pattern in has) + "".join(
        _search(pattern, "check_it_inverse") for pattern in lacks
    )
    return (
        f'{provisional}<recv response="{status}" rrs="true"><action>{checks}</action></recv>'
        if checks
        else (f'{provisional}<recv response="{status}" rrs="true"/>')
    )


def _search(pattern: str, check: str) -> str:
    return f'<ereg regexp={quoteattr(pattern)} search_in="msg" {check}="true" assign_to="{FOUND}"/>'


def wait_for(method: str) -> str:
    """A request of the far end; answer it next."""
    return f'<recv request="{method}"/>'


def answer(status: int = 200, reason: str = "OK", *, headers: str = "", body: str = "") -> str:
    """To the request that came last."""
    kind = "Content-Type: application/sdp\n" if body else ""
    head = headers and headers.rstrip("\n") + "\n"
    return f"""<send><![CDATA[
SIP/2.0 {status} {reason}
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
{head}{kind}Content-Length: [len]

{body}
]]></send>"""


def nudge() -> str:
    """Waits for `Sipp.nudge`."""
    return wait_for("OPTIONS") + answer()


ACK = ack()
BYE = wait_for("BYE") + answer()
"""The far end hangs up."""


class Sipp(Program):
    """A call of the user `caller` to `number`, or `calls` of them. It ends with 0 when the scenario went through to its end."""

    def __init__(
        self,
        folder: Path,
        server: tuple[str, int],
        number: str,
        caller: str,
        *steps: str,
        transport: str = "udp",
        media: int = 9,
        seconds: float = 60.0,
        calls: int = 1,
        lost_percent: int = 0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.caller = caller
        text = "\n".join(steps).replace(CALLER, caller).replace(MEDIA, str(media))
        if FOUND in text:
            text += f'\n<Reference variables="{FOUND}"/>'  # sipp refuses variables that are used once
        name = f"{caller}.xml"
        (folder / name).write_text(
            f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{caller}">\n{text}\n</scenario>\n'
        )
        self.port = free_port()
        options = {
            "-sf": name,
            "-s": number,
            "-m": calls,
            "-r": 10,
            "-i": "::1" if server[0].startswith("[") else "127.0.0.1",
            "-p": self.port,
            "-t": "u1" if transport == "udp" else "t1",
            "-cid_str": f"{caller}-%u",
            "-lost": lost_percent,
            "-timeout": f"{seconds:g}s",
            "-message_file": f"{caller}.messages",
            "-error_file": f"{caller}.errors",
        }
        command = ["sipp", f"{server[0]}:{server[1]}", "-nostdin", "-timeout_error", "-trace_msg", "-trace_err"]
        command += [str(part) for pair in options.items() for part in pair]
        super().__init__(command, folder=folder)

    def nudge(self) -> None:
        """Lets the scenario go on from its `nudge`."""
        text = f"OPTIONS sip:{self.caller}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnudge\r\n"
        text += f"From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:{self.caller}@127.0.0.1>\r\nCall-ID: {self.caller}-1\r\n"
        text += "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), ("127.0.0.1", self.port))

    def succeeds(self, seconds: float = 60.0) -> None:
        """AssertionError with the messages when the scenario broke off."""
        code = self.ends(seconds)
        assert code == 0, f"sipp left with {code}\n{self.trace}"

    @property
    def trace(self) -> str:
        """What went over the wire, and what sipp thought of it."""
        parts = [self.folder / f"{self.caller}.{suffix}" for suffix in ("errors", "messages")]
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-6000:]}" for path in parts if path.exists()
        )
