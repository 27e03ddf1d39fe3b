"""URLs as they go over the wire, and the map from the public to the private side."""

from __future__ import annotations

import pytest

from roomtone.webhooks.target import (
    BadUrlError,
    Target,
    UrlMap,
    follow,
    resolve,
    without_credentials,
    without_parameters,
)

NO_MAP = UrlMap({})


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("http://a.example", "http://a.example/"),
        ("http://A.Example:8080/Path?Q=1", "http://a.example:8080/Path?Q=1"),
        ("https://a.example:443/", "https://a.example:443/"),
        ("http://a.example/a b?c=d e", "http://a.example/a%20b?c=d%20e"),
        ("http://a.example/%7Ex/%2F?y=%20+z", "http://a.example/%7Ex/%2F?y=%20+z"),
        ("http://a.example/ü?ä", "http://a.example/%C3%BC?%C3%A4"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]:80/x"),
        ("http://a.example/x#rc=2&ct=100", "http://a.example/x"),
        (" http://a.example/x ", "http://a.example/x"),
        ("http://a.example/?a[]=1&b={x}", "http://a.example/?a%5B%5D=1&b=%7Bx%7D"),
    ],
)
def test_the_wire_form(url: str, wire: str) -> None:
    assert resolve(url, (), NO_MAP) == Target(wire, wire, None, wire)


def test_parameters_join_the_query() -> None:
    parameters = [("From", "+1555"), ("Name", "ä b&c")]
    expected = "From=%2B1555&Name=%C3%A4+b%26c"
    assert resolve("http://a.example", parameters, NO_MAP).public == f"http://a.example/?{expected}"
    target = resolve("http://us:pass@a.example/x?y=1", parameters, NO_MAP)
    assert target.public == f"http://a.example/x?y=1&{expected}"
    assert target.base == "http://us:pass@a.example/x?y=1", "a document's own URL is without what we added"


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("http://a.example/x?A=1&B=+2", "http://a.example/x"),
        ("http://a.example/x?y=1&A=1&B=+2", "http://a.example/x?y=1"),
        ("http://a.example/x?AA=1&B=+2", "http://a.example/x?AA=1&B=+2"),
        ("http://a.example/x?yA=1&B=+2", "http://a.example/x?yA=1&B=+2"),
        ("http://a.example/x?A=1&B=+2&y=1", "http://a.example/x?A=1&B=+2&y=1"),
        ("http://a.example/x", "http://a.example/x"),
    ],
)
def test_parameters_that_a_redirect_repeated(url: str, without: str) -> None:
    assert without_parameters(url, [("A", "1"), ("B", " 2")]) == without
    assert without_parameters(url, ()) == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://us:pa@ss@a.example/x@y?z=a@b", "http://a.example/x@y?z=a@b"),
        (" https://us@[::1", " https://[::1"),
        ("//us:pass@a.example", "//a.example"),
        ("http://a.example?x=@b/", "http://a.example?x=@b/"),
        ("http://us:pa/ss@a.example/x", "http://a.example/x"),
        ("http://us:pa#ss@a.example/x", "http://a.example/x"),
        ("http://us:pa?ss@a.example/x", "http://a.example/x"),
        ("http:/us:pass@a.example/x", "http:/a.example/x"),
        ("us:pass@a.example/x", "us:a.example/x"),
        ("/x@y", "/x@y"),
        ("", ""),
    ],
)
def test_what_is_shown_has_no_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


@pytest.mark.parametrize("url", ["http://us:secret@a℀b.example/", "http://us:secret@[::1/", "http://us:secret@a:x/"])
def test_why_a_url_is_no_good_does_not_tell_its_credentials(url: str) -> None:
    with pytest.raises(BadUrlError) as refused:
        resolve(url, (), NO_MAP)
    assert "secret" not in str(refused.value)


def test_credentials_leave_the_url() -> None:
    target = resolve("https://us%40er:p%3Ass@a.example/x", (), NO_MAP)
    assert target.public == target.sent_to == "https://a.example/x"
    assert target.credentials == ("us@er", "p:ss")
    assert follow(target.base, "y") == "https://us%40er:p%3Ass@a.example/y"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/x",
        "ftp://a/",
        "javascript:1",
        "http://",
        "http://a:x/",
        "http://[::1/",
        "http://a\r\nX: y/",
        "http://1.2/",
    ],
)
def test_no_web_address(url: str) -> None:
    with pytest.raises(BadUrlError):
        resolve(url, (), NO_MAP)


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("https://help.example/", "http://localhost:5000/"),
        ("https://help.example/a?b=c", "http://localhost:5000/a?b=c"),
        ("https://help.example/v2", "http://localhost:6000/two"),
        ("https://help.example/v2/a", "http://localhost:6000/two/a"),
        ("https://help.example/v2?x", "http://localhost:6000/two?x"),
        ("https://help.example/v22", "http://localhost:5000/v22"),
        ("https://help.example.evil.org/", "https://help.example.evil.org/"),
        ("https://help.example:444/", "https://help.example:444/"),
        ("http://help.example/", "http://help.example/"),
    ],
)
def test_the_map(public: str, private: str) -> None:
    url_map = UrlMap(
        {"https://Help.Example": "http://localhost:5000/", "https://help.example/v2/": "http://localhost:6000/two"}
    )
    target = resolve(public, (), url_map)
    assert (target.public, target.sent_to) == (public, private)
