"""Keys in the body of an INFO (RFC 6086), in the two spellings that telephones have; neither is a standard.

`application/dtmf-relay`: lines of `Name=value`, of which `Signal` is the key; its `Duration` means nothing to us.
`application/dtmf`: the key and nothing else. In both a key may be its number as an RFC 4733 event.
"""

from __future__ import annotations

__all__ = ["KEY_TYPES", "UnknownTypeError", "read_key"]

KEY_TYPES = ("application/dtmf-relay", "application/dtmf")
BODY_BYTES_MAX = 256  # more: 400

_EVENTS = "0123456789*#ABCD"
_FLASH = frozenset({"16", "!"})  # the hook for a moment: no key of ours


class UnknownTypeError(Exception):
    """Another kind of body: 415."""


def read_key(content_type: str, body: bytes) -> str:
    """The key in the body of an INFO; "" when it holds none (no body, a flash). UnknownTypeError; ValueError with what is wrong."""
    if not body:
        return ""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in KEY_TYPES:
        raise UnknownTypeError
    if len(body) > BODY_BYTES_MAX or not body.isascii():
        raise ValueError("no key in the body")
    text = body.decode("ascii")
    signal = text.strip() if kind == "application/dtmf" else _signal(text)
    if signal in _FLASH:
        return ""
    if signal.isdigit() and len(signal) <= 2 and int(signal) < len(_EVENTS):
        return _EVENTS[int(signal)]
    if len(signal) == 1 and signal.upper() in _EVENTS:
        return signal.upper()
    raise ValueError("no such key")


def _signal(text: str) -> str:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if line.strip() and not separator:
            raise ValueError("a line without =")
        fields.setdefault(name.strip().lower(), value.strip())
    if "signal" not in fields:
        raise ValueError("no Signal")
    if not fields.get("duration", "0").isdigit():
        raise ValueError("Duration is no number")
    return fields["signal"]
