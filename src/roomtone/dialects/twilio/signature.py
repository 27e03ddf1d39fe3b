"""X-Twilio-Signature: by which an application knows that a request comes from its own server.

base64(HMAC-SHA1(auth token, URL + names and values of the form, sorted)). The URL is the one that goes over the wire (A24), without user:pass@ and fragment;
its port is dropped over https and kept over http, as Twilio does for voice. Of a repeated name the values are made unique and sorted. A GET signs the
URL alone: its parameters are in it. Source: twilio.com/docs/usage/security, and the validators of the official libraries.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

__all__ = ["HEADER", "sign", "signed_url"]

HEADER = "X-Twilio-Signature"


def sign(url: str, parameters: Sequence[tuple[str, str]], token: str) -> str:
    """The signature over `url` and the form `parameters` (none for GET). Values go in as they are, decoded and with their white space."""
    text = signed_url(url) + "".join(name + value for name, value in sorted(set(parameters)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def signed_url(url: str) -> str:
    """`url` as it is signed."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
