"""`roomtone numbers [ls|get|add|set|rm]`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from roomtone.cli.client import segment
from roomtone.cli.options import AccountOption, JsonOption, TokenOption, UrlOption, connect
from roomtone.cli.output import print_json, print_note, print_table
from roomtone.cli.resource import print_fields, resource
from roomtone.errors import UsageError

__all__ = ["app"]

app = resource("Numbers, and the applications that answer them.")

VoiceMethod = Annotated[str | None, typer.Option("--voice-method", help="GET or POST.")]
FallbackUrl = Annotated[str | None, typer.Option("--fallback-url", help="Asked when the voice URL fails.")]
Dialect = Annotated[str | None, typer.Option("--dialect", help="twilio, signalwire or plivo.")]
ApiVersion = Annotated[str | None, typer.Option("--api-version")]
Owner = Annotated[str | None, typer.Option("--owner", help="For the operator: whose number it is.")]


@app.command("ls")
def list_numbers(
    url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """All numbers."""
    answer = connect(url, account, token).get("/numbers")
    if json_:
        print_json(answer)
        return
    rows = [
        (
            entry["number"],
            f"{entry['dialect']} {entry['api_version']}",
            f"{entry['voice_method']} {entry['voice_url']}",
            entry["source"] if entry["enabled"] else "disabled",
        )
        for entry in answer["numbers"]
    ]
    print_table(("NUMBER", "DIALECT", "APPLICATION", "FROM"), rows, empty="There is no number.")


@app.command("get")
def get_number(
    number: str, url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """One number."""
    _show(connect(url, account, token).get(f"/numbers/{segment(number)}"), json_=json_)


@app.command("add")
def add_number(
    number: str,
    voice_url: str,
    voice_method: VoiceMethod = None,
    fallback_url: FallbackUrl = None,
    dialect: Dialect = None,
    api_version: ApiVersion = None,
    owner: Owner = None,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """A number, answered by the application at VOICE_URL."""
    entry = _given(
        number=number,
        voice_url=voice_url,
        voice_method=voice_method,
        fallback_url=fallback_url,
        dialect=dialect,
        api_version=api_version,
        account=owner,
    )
    _show(connect(url, account, token).post("/numbers", entry), json_=json_)


@app.command("set")
def set_number(
    number: str,
    voice_url: Annotated[str | None, typer.Option("--voice-url")] = None,
    voice_method: VoiceMethod = None,
    fallback_url: FallbackUrl = None,
    dialect: Dialect = None,
    api_version: ApiVersion = None,
    url: UrlOption = "",
    account: AccountOption = "",
    token: TokenOption = "",
    json_: JsonOption = False,
) -> None:
    """Changes a number's application."""
    change = _given(
        voice_url=voice_url,
        voice_method=voice_method,
        fallback_url=fallback_url,
        dialect=dialect,
        api_version=api_version,
    )
    if not change:
        raise UsageError("nothing_to_set", "There is nothing to change.", "Name it: --voice-url, --dialect ...")
    _show(connect(url, account, token).patch(f"/numbers/{segment(number)}", change), json_=json_)


@app.command("rm")
def remove_number(
    number: str, url: UrlOption = "", account: AccountOption = "", token: TokenOption = "", json_: JsonOption = False
) -> None:
    """Removes a number. Those of the settings' file are removed there."""
    connect(url, account, token).delete(f"/numbers/{segment(number)}")
    if json_:
        print_json({"removed": number})
    else:
        print_note(f"{number} is removed.")


def _given(**fields: str | None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _show(answer: dict[str, Any], *, json_: bool) -> None:
    if json_:
        print_json(answer)
    else:
        print_fields(answer)
