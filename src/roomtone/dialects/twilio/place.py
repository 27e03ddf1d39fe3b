"""One element of a document while it is read: where it stands, what its attributes say, and what was wrong with them.

Every wrong value leaves the attribute's default in force and a finding with its own number (A8). An attribute that the platform knows and we have not built
is named in `later`; one that nobody knows is a 12200.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Literal
from urllib.parse import urljoin, urlsplit

from roomtone.dialects.twilio.errors import level
from roomtone.dialects.twilio.xml import Element, line_of, text_of
from roomtone.webhooks.report import Finding, Outcome, VerbReport
from roomtone.webhooks.target import without_credentials

__all__ = ["FINDINGS_MAX", "Place", "Reading", "is_web_address", "nearest"]

FINDINGS_MAX = 100
"""Of one document; the next says that there are more. Each is an entry of the debug log."""

_SHOWN_CHARACTERS_MAX = 80


class Reading:
    """What is gathered on the way through one document."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.findings: list[Finding] = []
        self.ignored: list[VerbReport] = []

    def find(self, finding: Finding) -> None:
        """Notes a mistake, if there are not too many."""
        if len(self.findings) == FINDINGS_MAX:
            message = f"the document has more than {FINDINGS_MAX} mistakes; the rest is not listed"
            self.findings.append(Finding(12200, message, level(12200), finding.line, None, finding.path))
        elif len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)


class Place:
    """An element with its path. `known`: attributes that work; `later`: attributes that are the platform's, but not built."""

    def __init__(self, reading: Reading, element: Element, path: str) -> None:
        self.reading = reading
        self.element = element
        self.path = path
        self.name = str(element.tag)
        self.line = line_of(element)

    def children(self) -> Iterator[Place]:
        """Child elements, each with its path: counted from 1 among siblings of its name."""
        counts: Counter[str] = Counter()
        for element in self.element.iterchildren(tag="*"):
            name = str(element.tag)
            counts[name] += 1
            yield Place(self.reading, element, f"{self.path}/{name}[{counts[name]}]")

    @property
    def text(self) -> str:
        """All text inside, white space folded."""
        return text_of(self.element)

    def find(self, code: int, message: str, attribute: str = "") -> None:
        """Notes a mistake of the application."""
        self.reading.find(Finding(code, message, level(code), self.line, None, self.path, attribute))

    def ignore(self, code: int, reason: str) -> None:
        """Notes that this verb or noun is skipped, and why."""
        self.find(code, reason)
        self.reading.ignored.append(VerbReport(self.path, self.line, Outcome.IGNORED, reason, code))

    def check_names(self, known: Collection[str], later: Collection[str] = ()) -> tuple[str, ...]:
        """Warns of attributes that nobody knows; names those that are not built. Attributes of a namespace are none of ours."""
        names = [str(name) for name in self.element.attrib]
        for name in names:
            if name not in known and name not in later and not name.startswith("{"):
                self.find(
                    12200,
                    f'<{self.name}> has no attribute "{name[:_SHOWN_CHARACTERS_MAX]}"; it is ignored{nearest(name, known)}',
                    name[:_SHOWN_CHARACTERS_MAX],
                )
        return tuple(name for name in names if name in later)

    def check_empty(self) -> None:
        """Warns of elements inside a verb that takes none."""
        for child in self.children():
            child.ignore(12200, f"<{child.name}> may not stand inside <{self.name}>; it is ignored")

    def attribute(self, name: str) -> str | None:
        """As it was written; None when it is not there."""
        value = self.element.get(name)
        return None if value is None else str(value)

    def boolean(self, name: str, default: bool, code: int) -> bool:
        """`true` or `false`, and nothing else."""
        return self.choice(name, ("true", "false"), "true" if default else "false", code) == "true"

    def choice(self, name: str, values: Collection[str], default: str, code: int) -> str:
        """One of `values`, exactly."""
        value = self.attribute(name)
        if value is None or value in values:
            return default if value is None else value
        self.wrong(name, code, f"must be one of {', '.join(values)}", default)
        return default

    def method(self, name: str, default: Literal["GET", "POST"], code: int) -> Literal["GET", "POST"]:
        """GET or POST; lower case is taken too."""
        value = self.attribute(name)
        if value is None:
            return default
        if value.upper() == "GET":
            return "GET"
        if value.upper() == "POST":
            return "POST"
        self.wrong(name, code, "must be GET or POST", default)
        return default

    def integer(
        self, name: str, default: int, code: int, *, least: int, most: int = 2**31 - 1, otherwise: str = ""
    ) -> int:
        """A whole number from `least` to `most`, in ASCII digits. `otherwise`: what a default means that is no such number."""
        value = self.attribute(name)
        if value is None:
            return default
        digits = value.strip()
        if digits.isascii() and digits.isdigit() and len(digits) <= 10 and least <= int(digits) <= most:
            return int(digits)
        bounds = f"of at least {least}" if most == 2**31 - 1 else f"from {least} to {most}"
        self.wrong(name, code, f"must be a whole number {bounds}", str(default), otherwise)
        return default

    def link(self, value: str) -> str:
        """`value` as an absolute URL, relative to the document's. What cannot be resolved stays as it is, and fails when it is asked for (11100)."""
        try:
            return urljoin(self.reading.url, value.strip())
        except ValueError:
            return value.strip()

    def wrong(self, name: str, code: int, rule: str, default: str, otherwise: str = "") -> None:
        """Notes a wrong value of attribute `name`."""
        shown = without_credentials(self.attribute(name) or "")[:_SHOWN_CHARACTERS_MAX]
        used = otherwise or (f'"{default}" is used' if default else "it is ignored")
        self.find(code, f'{name} of <{self.name}> {rule}, not "{shown}"; {used}', name)


def is_web_address(url: str) -> bool:
    """Whether `url` is one that could be fetched."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def nearest(name: str, known: Collection[str]) -> str:
    """A question that names the one of `known` that is most like `name`; "" when none is."""
    matches = difflib.get_close_matches(name[:_SHOWN_CHARACTERS_MAX], known, n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""
