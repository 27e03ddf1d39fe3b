"""The conference as users see it afterwards: its rows, and its events with their sequence numbers.

Each fact of the room becomes the rows that it changes and one event, in the order of the facts. The events of a
conference are numbered from 1 without gaps (T5). A time is that of the moment in which the fact became true (A11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from roomtone.rooms.join import EndRule, LeaveReason, StartRule
from roomtone.rooms.outputs import Admitted, Ended, Left, Muted, Started, Unmuted
from roomtone.rooms.participant import Participant
from roomtone.store.rows import ConferenceRow, EventRow, ParticipantRow, StoreBatch

__all__ = ["ConferenceRecord", "Fact", "ends_on_exit", "starts_on_enter"]

Fact = Admitted | Started | Muted | Unmuted | Left | Ended


def starts_on_enter(participant: Participant) -> bool:
    """Whether its presence can start the room."""
    return participant.request.start is not StartRule.WAITS


def ends_on_exit(participant: Participant) -> bool:
    """Whether its leaving ends the room."""
    return participant.request.end is EndRule.ENDS_ROOM


class ConferenceRecord:
    """One conference. `new_sid` makes the SID of a participation."""

    def __init__(self, row: ConferenceRow, new_sid: Callable[[], str]) -> None:
        self.row = row
        self._new_sid = new_sid
        self._participants: dict[str, ParticipantRow] = {}
        self._sequence = 0

    def joined_at(self, call_sid: str) -> datetime:
        """When a participant who is there came."""
        return self._participants[call_sid].joined_at

    def write(self, fact: Fact, time: datetime, batch: StoreBatch) -> None:
        """Adds to `batch` what the fact changes."""
        match fact:
            case Admitted(participant):
                self._admitted(participant, time, batch)
            case Muted(participant):
                self._muted_changed("participant-mute", participant, time, batch)
            case Unmuted(participant):
                self._muted_changed("participant-unmute", participant, time, batch)
            case Left(participant, reason):
                self._left(participant, reason, time, batch)
            case Started():
                self._conference(batch, replace(self.row, status="in-progress", started_at=time))
                self._event("conference-start", time, batch)
            case Ended(end_reason, call_sid):
                self._ended(str(end_reason), call_sid, time, batch)

    def _admitted(self, participant: Participant, time: datetime, batch: StoreBatch) -> None:
        if self._sequence == 0:
            self._conference(batch, self.row)
        row = ParticipantRow(
            sid=self._new_sid(),
            account_sid=self.row.account_sid,
            conference_sid=self.row.sid,
            call_sid=participant.call_sid,
            muted=participant.muted,
            start_on_enter=starts_on_enter(participant),
            end_on_exit=ends_on_exit(participant),
            joined_at=time,
        )
        self._participants[participant.call_sid] = row
        batch.participants.append(row)
        self._event("participant-join", time, batch, participant)

    def _muted_changed(self, event: str, participant: Participant, time: datetime, batch: StoreBatch) -> None:
        row = replace(self._participants[participant.call_sid], muted=participant.muted)
        self._participants[participant.call_sid] = row
        batch.participants.append(row)
        self._event(event, time, batch, participant)

    def _left(self, participant: Participant, reason: LeaveReason, time: datetime, batch: StoreBatch) -> None:
        word = reason.name.lower()
        row = self._participants.pop(participant.call_sid)
        batch.participants.append(replace(row, left_at=time, reason_left=word))
        self._event("participant-leave", time, batch, participant, {"reason": word})

    def _ended(self, reason: str, call_sid: str | None, time: datetime, batch: StoreBatch) -> None:
        row = replace(self.row, status="completed", ended_at=time, reason_ended=reason, call_sid_ending=call_sid)
        self._conference(batch, row)
        self._event("conference-end", time, batch, data={"reason": reason, "call_sid_ending": call_sid})

    def _conference(self, batch: StoreBatch, row: ConferenceRow) -> None:
        self.row = row
        batch.conferences.append(row)

    def _event(
        self,
        event: str,
        time: datetime,
        batch: StoreBatch,
        participant: Participant | None = None,
        data: Mapping[str, str | None] | None = None,
    ) -> None:
        self._sequence += 1
        details: dict[str, str | bool | None] = {"friendly_name": self.row.friendly_name}
        if participant is not None:
            details["muted"] = participant.muted
            details["start_on_enter"] = starts_on_enter(participant)
            details["end_on_exit"] = ends_on_exit(participant)
        row = EventRow(
            account_sid=self.row.account_sid,
            time=time,
            event=event,
            conference_sid=self.row.sid,
            call_sid=None if participant is None else participant.call_sid,
            sequence=self._sequence,
            data={**details, **(data or {})},
        )
        batch.events.append(row)
