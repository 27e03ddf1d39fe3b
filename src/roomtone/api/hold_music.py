"""The hold-music twimlet: a TwiML document that speaks the given messages and plays the pieces of a bucket, and those pieces. For everybody, as Twilio's is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from roomtone.calls.hold_music import DEFAULT_BUCKET, is_sound, messages
from roomtone.errors import NotFoundError

__all__ = ["document", "router"]

Pieces = Callable[[str], Sequence[Path]]


def document(pieces: Sequence[Path], bucket: str, said: Sequence[str]) -> str:
    """Each message (text is spoken, a URL played), then each piece, then all of it again. URLs are relative to the document's own."""
    verbs = []
    for message in said:
        verb = "Play" if is_sound(message) else "Say"
        verbs.append(f"<{verb}>{escape(message)}</{verb}>")
    verbs += [f"<Play>holdmusic/{escape(bucket)}/{escape(piece.name)}</Play>" for piece in pieces]
    lines = "\n  ".join([*verbs, "<Redirect/>"])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>\n  {lines}\n</Response>\n'


def router(pieces: Pieces) -> APIRouter:
    """`/holdmusic`, asked by GET or POST, and its pieces below it."""
    routes = APIRouter(prefix="/holdmusic", include_in_schema=False)

    @routes.api_route("", methods=["GET", "POST"])
    async def twimlet(request: Request) -> Response:
        query = request.query_params
        bucket = query.get("Bucket") or DEFAULT_BUCKET
        folder = pieces(bucket)
        name = folder[0].parent.name if folder else ""
        return Response(document(folder, name, messages(query.multi_items())), media_type="text/xml")

    @routes.get("/{bucket}/{name}")
    async def piece(bucket: str, name: str) -> FileResponse:
        found = next((path for path in pieces(bucket) if path.name == name and path.parent.name == bucket), None)
        if found is None:
            raise NotFoundError("no_such_piece", f"There is no piece {name} in {bucket}.")
        return FileResponse(found, media_type=_TYPES.get(found.suffix, "application/octet-stream"))

    return routes


_TYPES = {".ogg": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav", ".mp3": "audio/mpeg"}
