"""A moderated conference, as in Twilio's how-to: a menu, and three ways into one room.

`roomtone dev` starts this when it is given no application. Alone: `python examples/moderated/app.py --port 5000`, then point a number at
http://localhost:5000/voice. The whole application is two documents, `menu` and `join`; the rest serves them. Copy it and change the words.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import sys
from collections.abc import Mapping

import uvicorn
from fastapi import FastAPI, Request, Response

__all__ = ["ROOM", "application", "join", "main", "menu", "signature"]

ROOM = "moderated"
_WELCOME = "Welcome to the moderated conference."
_ASKED_MAX = 3  # a caller who never presses a key is not asked for ever

# What each key of the menu means for the room. Nobody starts it but the moderator, and when the moderator leaves it ends for all.
_ROLES = {
    "1": ("You are a listener.", 'muted="true" startConferenceOnEnter="false"'),
    "2": ("You are a speaker.", 'startConferenceOnEnter="false"'),
    "3": ("You are the moderator.", 'startConferenceOnEnter="true" endConferenceOnExit="true"'),
}


def menu(asked: int, greeting: str = _WELCOME) -> str:
    """Asks for a role. Its Gather sends the key to /join; without a key the caller falls through to the Redirect."""
    if asked >= _ASKED_MAX:
        return "<Response><Say>Good bye.</Say><Hangup/></Response>"
    prompt = f"{greeting} Press 1 to listen, 2 to speak, or 3 to moderate."
    return f"""<Response>
  <Gather action="/join?asked={asked + 1}" numDigits="1" timeout="5">
    <Say>{prompt}</Say>
  </Gather>
  <Redirect>/voice?asked={asked + 1}</Redirect>
</Response>"""


def join(digits: str, asked: int) -> str:
    """Puts the caller into the room in the role of the key. What stands after the Dial is heard when the room has ended."""
    if digits not in _ROLES:
        return menu(asked, "That is not one of the choices.")
    greeting, attributes = _ROLES[digits]
    return f"""<Response>
  <Say>{greeting}</Say>
  <Dial>
    <Conference {attributes}>{ROOM}</Conference>
  </Dial>
  <Say>The conference has ended. Good bye.</Say>
  <Hangup/>
</Response>"""


def signature(url: str, form: Mapping[str, str], token: str) -> str:
    """X-Twilio-Signature of a request: the URL with the sorted form fields behind it, signed with the account's token."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def application(token: str = "") -> FastAPI:
    """The web application. With a token it answers only who signs with it: 403 for everybody else."""
    web = FastAPI(title="Moderated conference", openapi_url=None)

    async def form_of(request: Request) -> dict[str, str] | None:
        form = {name: str(value) for name, value in (await request.form()).items()}
        signed = request.headers.get("X-Twilio-Signature", "")
        if token and not hmac.compare_digest(signed, signature(str(request.url), form, token)):
            return None
        return form

    @web.post("/voice")
    async def voice(request: Request, asked: int = 0) -> Response:
        form = await form_of(request)
        return _forbidden() if form is None else _document(menu(asked))

    @web.post("/join")
    async def role(request: Request, asked: int = 0) -> Response:
        form = await form_of(request)
        return _forbidden() if form is None else _document(join(form.get("Digits", ""), asked))

    return web


def _document(xml: str) -> Response:
    return Response(xml, media_type="text/xml")


def _forbidden() -> Response:
    return Response(
        "The request is not signed with this application's token.\n", status_code=403, media_type="text/plain"
    )


def main() -> int:
    """Serves the application until it is interrupted."""
    parser = argparse.ArgumentParser(description="A moderated conference: point a number at http://HOST:PORT/voice.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument(
        "--token", default="", help="check X-Twilio-Signature with this account token; without it everybody is answered"
    )
    options = parser.parse_args()
    print(f"The application answers at http://{options.host}:{options.port}/voice", file=sys.stderr)
    uvicorn.run(application(options.token), host=options.host, port=options.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
