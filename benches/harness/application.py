"""A web application that answers at once: every caller goes into the room that the caller's own number names.

    python application.py         (prints the port it took)

Callers are +1555RRRRIIII: RRRR is the room, IIII the telephone. `/talk` starts the room, `/wait` waits in it with the default music.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

__all__: list[str] = []

_TALK = '<Conference beep="false" waitUrl="" maxParticipants="5000">'
_WAIT = '<Conference beep="false" startConferenceOnEnter="false" maxParticipants="5000">'


async def _document(request: web.Request) -> web.Response:
    caller = str((await request.post()).get("From", ""))
    room = caller.removeprefix("+")[4:8]
    conference = _TALK if request.path == "/talk" else _WAIT
    text = f"<Response><Dial>{conference}Room {room}</Conference></Dial></Response>"
    return web.Response(text=text, content_type="text/xml")


async def _serve() -> None:
    application = web.Application()
    application.add_routes([web.post("/talk", _document), web.post("/wait", _document)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"ready {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
