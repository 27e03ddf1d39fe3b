"""Two pages for a browser: `/`, which says what this is and where to go, and `/api/docs`, the OpenAPI document in words.

Both are whole in themselves: no script, nothing from elsewhere, so that they look the same on a machine without a way out, and a Content-Security-Policy can
forbid all the rest. `/` stands where the console will be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from roomtone.api.server import Description

__all__ = ["router"]

Json = dict[str, Any]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --quiet: #777; --get: #2a7d4f; --change: #a05a00; --gone: #b3261e; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.8rem; margin: 0 0 .25rem; } h1 small { color: var(--quiet); font-size: 1rem; font-weight: normal; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.15rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; }
p { margin: .5rem 0; } a { color: LinkText; }
code { background: var(--soft); border-radius: 3px; font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; padding: .1em .35em; }
dl { display: grid; gap: .5rem 1.5rem; grid-template-columns: max-content 1fr; margin: .75rem 0; } dd { margin: 0; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; } details > div { border-top: 1px solid var(--line); padding: .25rem .75rem .75rem; }
summary b { display: inline-block; font: bold .8rem ui-monospace, monospace; width: 4.2rem; } summary code { background: none; padding: 0; }
summary span { color: var(--quiet); float: right; }
.get { color: var(--get); } .post, .patch, .put { color: var(--change); } .delete { color: var(--gone); }
h3 { color: var(--quiet); font-size: .85rem; margin: 1rem 0 .25rem; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--soft); padding: .3rem .75rem .3rem 0; vertical-align: top; }
td:first-child { white-space: nowrap; width: 12rem; } td:nth-child(2) { color: var(--quiet); width: 14rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .75rem; } summary span { display: none; } }
"""
_HOME = """<h1>Roomtone <small>{version}</small></h1>
<p>A voice server for conference calls that speaks TwiML. It is running. A console in the browser is not built yet: commands and the API show what it does.</p>
<h2>What to try</h2>
<dl>
<dt><code>roomtone call NUMBER</code></dt><dd>a robot caller with real audio; <code>demo</code> is the number that <code>roomtone dev</code> answers</dd>
<dt><code>roomtone rooms</code></dt><dd>live rooms; <code>roomtone room NAME</code> and <code>roomtone why ROOM A B</code> say who hears whom, and why</dd>
<dt><code>roomtone watch</code></dt><dd>requests, documents and calls as they happen</dd>
<dt><code>roomtone debug</code></dt><dd>what is wrong with an application's documents</dd>
<dt><code>roomtone --help</code></dt><dd>everything else</dd>
</dl>
<h2>Where to go</h2>
<dl>
<dt><a href="/api/docs">/api/docs</a></dt><dd>Roomtone's own API, path by path; <a href="/api/openapi.json">/api/openapi.json</a> is the same for programs</dd>
<dt><a href="/readyz">/readyz</a>, <a href="/healthz">/healthz</a></dt><dd>probes</dd>
<dt><a href="/metrics">/metrics</a></dt><dd>for Prometheus: to this machine, and to the operator</dd>
<dt><a href="/holdmusic">/holdmusic</a></dt><dd>the hold-music twimlet</dd>
<dt><code>docs/</code></dt><dd>beside the source: a tutorial, guides, and the reference of TwiML, settings, commands and the API</dd>
</dl>"""
_DOCS = """<h1>Roomtone's own API <small>{version}</small></h1>
<p><a href="/">Roomtone</a> · <a href="/api/openapi.json">openapi.json</a></p>
<p>HTTP Basic: an account's SID and token see that account; <code>admin</code> and the admin token see all, and may name one with <code>?account=</code>.</p>
<p>An error is <code>{{"error": {{"code", "message", "remedy"}}}}</code>. An unknown parameter is one (400). Fields are only ever added.</p>
<p>Try: <code>curl -u SID:TOKEN http://HOST:PORT/api/v1/rooms</code></p>
"""


def router(openapi: Callable[[], Json], description: Description) -> APIRouter:
    """For everybody: there is nothing of an account in them."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home() -> HTMLResponse:
        return _page("Roomtone", _HOME.format(version=_version()))

    @routes.get("/api/docs")
    async def docs() -> HTMLResponse:
        return _page("Roomtone API", _DOCS.format(version=_version()) + "\n".join(_nouns(openapi())))

    def _version() -> str:
        return escape(description.shape.version if description.shape else "")

    return routes


def _page(title: str, body: str) -> HTMLResponse:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    text = f'<!doctype html>\n<html lang="en"><head>{head}<title>{title}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n'
    return HTMLResponse(text, headers=_HEADERS)


def _nouns(document: Json) -> Iterator[str]:
    """One section a noun, in the order of the document."""
    seen = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            noun = (operation.get("tags") or ["other"])[0]
            if noun != seen:
                seen = noun
                yield f"<h2>{escape(noun)}</h2>"
            yield _operation(document, method, path, operation)


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    words = operation.get("description", "")
    parts = [f"<p>{_text(words)}</p>"] if words else []
    rows = [
        _row(entry["name"], entry["schema"], f"{entry['in']}, ", entry.get("description", ""))
        for entry in operation.get("parameters", ())
    ]
    parts += _table("Parameters", rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    parts += _table("Body", _fields(document, body))
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            title = f"Answer {status}" + (", each entry" if "additionalProperties" in schema else "")
            parts += _table(title, _fields(document, schema)) or [f"<h3>{title}</h3>"]
    summary = f'<b class="{method}">{method.upper()}</b> <code>{escape(path)}</code> <span>{escape(operation.get("summary", ""))}</span>'
    return f"<details><summary>{summary}</summary><div>{''.join(parts)}</div></details>"


def _table(title: str, rows: list[str]) -> list[str]:
    return [f"<h3>{title}</h3><table>{''.join(rows)}</table>"] if rows else []


def _row(name: str, schema: Json, before: str = "", words: str = "") -> str:
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(before + _type(schema))}</td><td>{_text(words)}</td></tr>"
    )


def _text(words: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def _fields(document: Json, schema: Json) -> list[str]:
    """Of an object: its fields; of a list in an object: those of an entry."""
    found = _entry(document, schema)
    return [
        _row(name, field, words=field.get("description", "")) for name, field in found.get("properties", {}).items()
    ]


def _entry(document: Json, schema: Json) -> Json:
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif isinstance(schema.get("additionalProperties"), dict):
            schema = schema["additionalProperties"]
        elif "items" in schema:
            schema = schema["items"]
        elif named := [choice for choice in schema.get("anyOf", ()) if "$ref" in choice or "items" in choice]:
            schema = named[0]
        else:
            return schema


def _type(schema: Json) -> str:
    """In a word or two: "string or null", "list of ParticipantShape", "integer, 50"."""
    default = schema.get("default")
    after = f", {default}" if default not in (None, "") else ""
    if "$ref" in schema:
        return f"{schema['$ref'].rpartition('/')[2]}{after}"
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"]) + after
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any")) + after
