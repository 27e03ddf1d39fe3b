"""The door to the rooms: who names a room is let into it, and only here rooms come to be and cease to be.

A room lives under (account, name) from the first join to its end; the next join of that name makes another, with
another conference SID. A name that looks like a conference SID means that live conference (T12). Every question and
every change names the account, and sees nothing of others (None: the operator's, who sees all).
"""

from __future__ import annotations

from collections.abc import Iterator

from roomtone.clock import Clock
from roomtone.conferences import views
from roomtone.conferences.cause import Cause
from roomtone.conferences.live import LiveRoom
from roomtone.conferences.names import NO_SUCH_CONFERENCE, ConferenceNameError, room_name
from roomtone.conferences.participation import Participation
from roomtone.conferences.ports import Media, Member, Store
from roomtone.conferences.record import ConferenceRecord
from roomtone.conferences.views import ConferenceView, HearingView, ParticipantView
from roomtone.errors import NotFoundError
from roomtone.ids import Ids, is_sid
from roomtone.rooms.join import JoinRequest, LeaveReason
from roomtone.rooms.room import EndRoom, Key, Leave, Mute, Room, RoomRules, Unmute
from roomtone.store.rows import ConferenceRow

__all__ = ["Conferences"]

_ROOMS_REMEDY = "`roomtone rooms` lists the live ones."


class Conferences:
    """All live conferences of this server."""

    def __init__(self, *, media: Media, store: Store, clock: Clock, ids: Ids, rules: RoomRules | None = None) -> None:
        self.media = media
        self.store = store
        self.clock = clock
        self._ids = ids
        self._rules = rules or RoomRules()
        self._rooms: dict[tuple[str, str], LiveRoom] = {}
        self._room_of_call: dict[str, LiveRoom] = {}
        self._sounds_dropped = 0

    # For calls

    async def join(
        self,
        account_sid: str,
        name: str,
        member: Member,
        request: JoinRequest,
        *,
        request_id: str | None = None,
        line: int | None = None,
        caller: str = "",
    ) -> Participation:
        """Into the room of that name, which is made when there is none. `request_id` and `line` say which document
        asked for it; `caller` is what people call the participant. ConferenceNameError.
        """
        assert member.call_sid == request.call_sid
        assert member.call_sid not in self._room_of_call, "a call is in one room at a time"
        live = self._room_to_join(account_sid, name)
        self._room_of_call[member.call_sid] = live
        return live.join(member, request, caller, Cause(request_id=request_id, line=line))

    def digit(self, call_sid: str, key: str) -> None:
        """A key that nobody acted on: made again for the others, by the room's rules (A26). A call in no room has no
        others.
        """
        live = self._room_of_call.get(call_sid)
        if live is not None:
            live.post(Key(call_sid, key))

    # For the APIs: changes. `conference` is a name or a SID; `api_call` names the request, as the hearing's cause.

    async def mute(
        self, account_sid: str, conference: str, call_sid: str, *, muted: bool, api_call: str
    ) -> ParticipantView:
        """Answers when it is audible and durable, with the participant as it was made. NotFoundError."""
        live = self._room(account_sid, conference)
        call_sid = views.call_sid_of(live, call_sid)
        moment = live.post(Mute(call_sid) if muted else Unmute(call_sid), Cause(api_call=api_call))
        view = views.participant_view(live, views.call_sid_of(live, call_sid))  # not there any more if the room broke
        await moment.settled()
        return view

    async def kick(self, account_sid: str, conference: str, call_sid: str) -> None:
        """Takes a participant out; its call goes on (A6). NotFoundError."""
        live = self._room(account_sid, conference)
        await live.post(Leave(views.call_sid_of(live, call_sid), LeaveReason.KICKED)).settled()

    async def end(self, account_sid: str, conference: str) -> None:
        """Takes everybody out; their calls go on (A6). NotFoundError."""
        await self._room(account_sid, conference).post(EndRoom()).settled()

    # For the APIs: questions

    def list(self, account_sid: str | None) -> tuple[ConferenceView, ...]:
        """The live conferences, oldest first."""
        return tuple(views.conference_view(live) for live in self._of(account_sid))

    def room(self, account_sid: str | None, conference: str) -> ConferenceView:
        """One live conference. NotFoundError."""
        return views.conference_view(self._room(account_sid, conference))

    def hearing(
        self, account_sid: str | None, conference: str, talker: str | None = None, listener: str | None = None
    ) -> tuple[HearingView, ...]:
        """Who hears whom: all pairs, or those of one talker, one listener, or both. `talker` and `listener` are call
        SIDs, or callers as `join` was told them, if no other in the room is called so. NotFoundError; UsageError for
        more than `views.PAIRS_MAX` pairs.
        """
        live = self._room(account_sid, conference)
        talkers = tuple(live.seats) if talker is None else (views.call_sid_of(live, talker),)
        listeners = tuple(live.seats) if listener is None else (views.call_sid_of(live, listener),)
        return views.hearing_views(live, listeners=listeners, talkers=talkers)

    # For metrics

    @property
    def rooms_active(self) -> int:
        """Live rooms."""
        return len(self._rooms)

    @property
    def participants_active(self) -> int:
        """Calls in rooms."""
        return len(self._room_of_call)

    @property
    def sounds_dropped(self) -> int:
        """Sounds that found five others waiting (A3), since the start."""
        return self._sounds_dropped + sum(live.room.sounds_dropped for live in self._rooms.values())

    # For live rooms (`live.Host`)

    def seat_empty(self, call_sid: str) -> None:
        """That call is in no room any more."""
        del self._room_of_call[call_sid]

    def room_ended(self, live: LiveRoom) -> None:
        """Its name is free."""
        self._sounds_dropped += live.room.sounds_dropped
        del self._rooms[live.room.account_sid, live.room.name]

    # Finding

    def _room_to_join(self, account_sid: str, text: str) -> LiveRoom:
        name = room_name(text)
        if is_sid(name, "CF"):
            live = self._by_sid(account_sid, name)
            if live is None:
                message = f"there is no live conference {name} in this account"
                raise ConferenceNameError(NO_SUCH_CONFERENCE, message)
            return live
        return self._rooms.get((account_sid, name)) or self._make(account_sid, name)

    def _make(self, account_sid: str, name: str) -> LiveRoom:
        row = ConferenceRow(
            sid=self._ids.conference(), account_sid=account_sid, friendly_name=name, created_at=self.clock.wall()
        )
        room = Room(account_sid, name, row.sid, self._rules)
        record = ConferenceRecord(row, self._ids.participation)
        live = LiveRoom(room, record, self.media.new_id(), self)
        self._rooms[account_sid, name] = live
        return live

    def _room(self, account_sid: str | None, conference: str) -> LiveRoom:
        try:
            name = room_name(conference)
        except ConferenceNameError as error:
            raise NotFoundError("no_such_room", error.message, _ROOMS_REMEDY) from None
        live = self._by_sid(account_sid, name) if is_sid(name, "CF") else self._by_name(account_sid, name)
        if live is None:
            raise NotFoundError("no_such_room", f"No live room is called {name!r}.", _ROOMS_REMEDY)
        return live

    def _by_sid(self, account_sid: str | None, sid: str) -> LiveRoom | None:
        return next((live for live in self._of(account_sid) if live.room.conference_sid == sid), None)

    def _by_name(self, account_sid: str | None, name: str) -> LiveRoom | None:
        if account_sid is not None:
            return self._rooms.get((account_sid, name))
        return next((live for live in self._of(None) if live.room.name == name), None)

    def _of(self, account_sid: str | None) -> Iterator[LiveRoom]:
        return (live for live in self._rooms.values() if account_sid in (None, live.room.account_sid))
