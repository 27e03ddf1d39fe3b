"""From what can go wrong on the wire to the number and the sentence that the application's developer reads.

The numbers are Twilio's (spec 1.5); dialects that name a failure otherwise translate them.
"""

from __future__ import annotations

import html
import re
import ssl

import aiohttp

from roomtone.webhooks.guard import AddressRefusedError
from roomtone.webhooks.target import BadUrlError

__all__ = ["ExchangeError", "failure_of", "first_words"]

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_HOST_MISMATCH = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


_WORDS_CHARACTERS_MAX = 200
_READ_BYTES_MAX = 4096
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)


class ExchangeError(Exception):
    """A request that failed, before it has the id and the URL of a WebhookError."""

    def __init__(self, code: int, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def failure_of(error: Exception) -> ExchangeError:
    """`error`: what aiohttp, the guard or a URL raised."""
    if isinstance(error, ExchangeError):
        return error
    if isinstance(error, BadUrlError):
        return ExchangeError(11100, str(error))
    if isinstance(error, aiohttp.InvalidURL):  # whose own words are the URL with the parameters of a GET
        return ExchangeError(11100, "the URL cannot be asked for: its host or port is malformed")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientSSLError):
        return ExchangeError(11220, f"the TLS handshake failed: {error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connector(error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ExchangeError(11201, "no connection within webhooks.connect_timeout, tried twice")
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return ExchangeError(11205, "the connection was closed before there was an answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return ExchangeError(11206, f"the answer broke off or was garbled: {error}")
    if isinstance(error, aiohttp.ClientResponseError):
        return ExchangeError(11206, f"the answer is not HTTP: {error.message}")
    return ExchangeError(11205, f"the request failed: {error or type(error).__name__}")


def first_words(content_type: str, body: bytes) -> str:
    """What an error page says, in one line of at most `_WORDS_CHARACTERS_MAX`: its first line with words, of HTML the title. "" when it is no text."""
    if not (content_type.startswith("text/") or content_type.endswith(("json", "xml"))):
        return ""
    text = body[:_READ_BYTES_MAX].decode("utf-8", "replace")
    if content_type.endswith(("html", "xml")):
        title = _TITLE.search(text)
        text = html.unescape(_MARKUP.sub("\n", title[1] if title else text))
    for line in text.splitlines():
        words = " ".join("".join(character if character.isprintable() else " " for character in line).split())
        if words:
            return words if len(words) <= _WORDS_CHARACTERS_MAX else f"{words[:_WORDS_CHARACTERS_MAX]}…"
    return ""


def _connector(error: aiohttp.ClientConnectorError) -> ExchangeError:
    cause = error.os_error
    if isinstance(cause, AddressRefusedError):
        return ExchangeError(11210, str(cause))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ExchangeError(11210, f"the name {error.host} cannot be resolved")
    place = f"{error.host}:{error.port}"
    if isinstance(cause, ConnectionRefusedError):
        return ExchangeError(11202, f"the connection to {place} was refused: does the application run there?")
    return ExchangeError(11205, f"no connection to {place}: {cause.strerror or cause}")


def _certificate(error: Exception) -> ExchangeError:
    number = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    if number == _EXPIRED:
        return ExchangeError(11236, "the certificate of the application has expired")
    if number in _HOST_MISMATCH:
        return ExchangeError(11235, "the certificate of the application is for another name")
    return ExchangeError(11237, f"the certificate of the application cannot be verified: {error}")
