"""Cookies of the application, kept per call and dropped at its end: how applications written for Twilio carry a session.

They belong to the public side of a URL, also when `webhooks.map` fetches it elsewhere. Bounded: calls, and cookies of one call.
"""

from __future__ import annotations

from collections import OrderedDict
from http.cookies import SimpleCookie

from aiohttp import CookieJar
from yarl import URL

__all__ = ["CookiesPerCall"]

JARS_MAX = 10_000
COOKIES_MAX = 50
"""Beyond: the jar that was used longest ago goes; a call's jar takes no more cookies."""


class CookiesPerCall:
    """A jar for each call that was given a cookie."""

    def __init__(self) -> None:
        self._jars: OrderedDict[str, CookieJar] = OrderedDict()

    def header(self, call_sid: str | None, url: str) -> str:
        """The Cookie header of a request to `url`; "" for none."""
        jar = self._jars.get(call_sid or "")
        if jar is None:
            return ""
        self._jars.move_to_end(call_sid or "")
        cookies = jar.filter_cookies(URL(url, encoded=True))
        return "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookies.items())

    def state(self, call_sid: str | None) -> frozenset[tuple[str, str, str, str]]:
        """Every cookie of the call: (domain, path, name, value)."""
        jar = self._jars.get(call_sid or "", ())
        return frozenset((morsel["domain"], morsel["path"], morsel.key, morsel.coded_value) for morsel in jar)

    def take(self, call_sid: str | None, url: str, cookies: SimpleCookie) -> None:
        """Keeps what the answer from `url` set."""
        if not call_sid or not cookies:
            return
        jar = self._jars.get(call_sid)
        if jar is None:
            jar = self._jars[call_sid] = CookieJar(
                unsafe=True
            )  # unsafe: addresses instead of names may set cookies too
        if len(jar) + len(cookies) <= COOKIES_MAX:
            jar.update_cookies(cookies, URL(url, encoded=True))
        while len(self._jars) > JARS_MAX:
            self._jars.popitem(last=False)

    def forget(self, call_sid: str) -> None:
        """The call has ended."""
        self._jars.pop(call_sid, None)
