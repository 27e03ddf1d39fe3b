"""A URL of an application as it goes over the wire: percent-encoded, without credentials and fragment, and mapped to where it is really fetched.

The public side is what is signed, logged and shown (A24); the private side of `webhooks.map` is only where the bytes go. Nothing is normalised that a server
could see: escapes stay as they were written, only what may not stand in a URL is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from roomtone.webhooks.guard import is_disguised_number

__all__ = [
    "BadUrlError",
    "Target",
    "UrlMap",
    "follow",
    "origin",
    "resolve",
    "without_credentials",
    "without_parameters",
]

_URL_CHARACTERS_MAX = 8192
_SAFE = "!$&'()*+,;=:@/?%-._~"
_CREDENTIALS = re.compile(r"^([^/?#]*//)[^/?#]*@")
_UP_TO_THE_LAST_AT = re.compile(
    r"^([^/?#:]*:?/*).*@", re.DOTALL
)  # of a URL in which nobody knows where the password ends


class BadUrlError(ValueError):
    """Not a URL that could be fetched (11100); `str()` says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where one request goes."""

    public: str  # what is signed and logged
    sent_to: str  # what is fetched
    credentials: tuple[str, str] | None  # user:pass@ of the URL, for HTTP Basic
    base: str  # public, with the credentials and without the parameters: the document's own URL, and what its relative ones resolve against


class UrlMap:
    """`webhooks.map`: public prefix on the left, private one on the right. The longest that fits wins; it ends where a part of the URL ends."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        pairs = [(_prefix(public), private.rstrip("/")) for public, private in prefixes.items()]
        self._pairs = sorted(pairs, key=lambda pair: -len(pair[0]))

    def apply(self, public: str) -> str:
        """Where `public` is really fetched."""
        for prefix, private in self._pairs:
            rest = public.removeprefix(prefix)
            if rest != public and (not rest or rest[0] in "/?"):
                return private + rest
        return public


def resolve(url: str, parameters: Sequence[tuple[str, str]], url_map: UrlMap) -> Target:
    """`url` with `parameters` added to its query. BadUrlError."""
    if len(url) > _URL_CHARACTERS_MAX:
        raise BadUrlError(f"the URL is longer than {_URL_CHARACTERS_MAX} characters")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in url):
        raise BadUrlError("the URL holds control characters")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:  # whose words may hold the credentials
        raise BadUrlError("the URL cannot be read: its host or port is malformed") from None
    if parts.scheme not in ("http", "https"):
        raise BadUrlError("the URL must begin with http:// or https://")
    if not host:
        raise BadUrlError("the URL names no host")
    place = _host(host) + (f":{port}" if port is not None else "")
    own_query = quote(parts.query, safe=_SAFE)
    query = "&".join(part for part in (own_query, urlencode(parameters)) if part)
    path = quote(parts.path, safe=_SAFE) or "/"
    public = urlunsplit((parts.scheme, place, path, query, ""))
    userinfo, at, _ = parts.netloc.rpartition("@")
    credentials = None
    if at:
        user, _, password = userinfo.partition(":")
        credentials = (unquote(user), unquote(password))
    base = urlunsplit((parts.scheme, userinfo + at + place, path, own_query, ""))
    return Target(public, url_map.apply(public), credentials, base)


def follow(base: str, location: str) -> str:
    """Where a redirect leads. BadUrlError."""
    try:
        return urljoin(base, location)
    except ValueError:
        raise BadUrlError("the redirect's Location cannot be read: its host or port is malformed") from None


def without_parameters(url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """`url` without those of a GET that an application repeated in its redirect; the next request would carry them twice."""
    before, _, query = url.partition("?")
    own = urlencode(parameters)
    if not own or not f"&{query}".endswith(f"&{own}"):
        return url
    kept = query.removesuffix(own).removesuffix("&")
    return f"{before}?{kept}" if kept else before


def without_credentials(url: str) -> str:
    """`url`, which may be no good one, as it may be shown and told to others."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises, as it may be the beginning of a password
        is_readable = bool(parts.netloc or not parts.scheme)
    except ValueError:
        is_readable = False
    return (_CREDENTIALS if is_readable else _UP_TO_THE_LAST_AT).sub(r"\1", url)


def origin(url: str) -> tuple[str, str]:
    """(scheme, host and port): credentials of a URL hold for redirects inside it only."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _prefix(public: str) -> str:
    parts = urlsplit(public.rstrip("/"))
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, "", ""))


def _host(host: str) -> str:
    """In the form of the wire; IPv6 in brackets, other scripts in their ASCII form."""
    if ":" in host:
        return f"[{host}]"
    if is_disguised_number(host):
        raise BadUrlError(f"{host} is no canonical address; write it as four decimal numbers")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadUrlError("the host of the URL is no name that could be looked up") from None
