"""From the bytes of an answer to a tree of elements, and to nothing dangerous.

No DTD, no entities, no network: any DOCTYPE is refused before the parser sees it, because libxml2 expands entities in attribute values whatever it is told.
Names are compared exactly: `dial` and `{ns}Dial` are not `Dial`. Comments and processing instructions are dropped.
"""

from __future__ import annotations

import re

from lxml import etree

from roomtone.calls.document import DocumentError

__all__ = ["Element", "line_of", "parse_response", "text_of"]

Element = etree._Element

_BYTE_ORDER_MARK = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)")
_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_LIBXML_PLACE = re.compile(r",? ?line \d+, column \d+.*$", re.DOTALL)


def parse_response(body: bytes) -> Element:
    """The root element `Response`. DocumentError: 12100 (not well formed, DOCTYPE) with its place, 12102 (another root)."""
    _refuse_doctype(body)
    root = _root(body)
    information = root.getroottree().docinfo
    if information.internalDTD is not None or information.externalDTD is not None:
        raise DocumentError(12100, _DOCTYPE_MESSAGE, 1)
    if root.tag != "Response":
        message = (
            f"the root element is <{_shown(root)}>, but must be <Response> (upper and lower case count, no namespace)"
        )
        raise DocumentError(12102, message, line_of(root))
    return root


def _root(body: bytes) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = _LIBXML_PLACE.sub("", error.msg or "not well formed")
        if "EntityRef" in reason or "entity name" in reason:
            reason += "; a bare & (as in a URL with parameters) is written &amp;"
        raise DocumentError(
            12100, f"the document is not well-formed XML: {reason}", line or None, column or None
        ) from None
    except ValueError as error:
        raise DocumentError(12100, f"the document is not well-formed XML: {error}") from None


def line_of(element: Element) -> int | None:
    """Where its tag begins, from 1."""
    line = element.sourceline
    return line if isinstance(line, int) else None


def text_of(element: Element) -> str:
    """All text below `element`, runs of white space as one space, none at the ends."""
    return " ".join("".join(str(piece) for piece in element.itertext()).split())


_DOCTYPE_MESSAGE = "the document has a DOCTYPE, which is refused; send TwiML that begins with <Response>"


def _refuse_doctype(body: bytes) -> None:
    # Without its zero bytes UTF-16 and UTF-32 read like ASCII here. Other disguises meet the check after parsing.
    plain = _BYTE_ORDER_MARK.sub(b"", body).replace(b"\0", b"")
    prolog = _PROLOG.match(plain)
    start = prolog.end() if prolog else 0
    if plain[start : start + 9].upper() == b"<!DOCTYPE":
        raise DocumentError(12100, _DOCTYPE_MESSAGE, plain.count(b"\n", 0, start) + 1)


def _shown(element: Element) -> str:
    return str(element.tag)[:80]
