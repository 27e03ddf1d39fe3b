"""A far end whose requests overtake each other, whose addresses lead nowhere, or that nobody answers in time."""

from __future__ import annotations

import pytest
from sip_peer import HOST, Peer, Talk

from roomtone.testing.world import World, run_world, simulated

LISTENING = '<Response><Gather timeout="3600"/></Response>'
ROOM = "<Response><Dial><Conference>R</Conference></Dial></Response>"


class Elsewhere(Talk):
    """Says in its Contact that it is reached at `contact`."""

    contact = ""

    def headers(self, method: str, cseq: int | None = None) -> list[tuple[str, str]]:
        return [*super().headers(method, cseq)[:-1], ("Contact", self.contact)]


async def _started(world: World, document: str) -> Peer:
    world.application(document)
    await world.start()
    return Peer(world)


@pytest.mark.parametrize("method", ["INFO", "OPTIONS", "UPDATE"])
def test_an_ack_that_was_overtaken_is_taken_all_the_same(method: str) -> None:
    run_world(lambda world: _overtaken(world, method))


async def _overtaken(world: World, method: str) -> None:
    talk = Talk(await _started(world, LISTENING))
    answer = await talk.invite(ack=False)
    invite = talk.cseq
    assert answer.status == 200
    await talk.ask(method)
    talk.ack(cseq=invite)
    await world.clock.sleep(1)
    (call,) = world.server.switchboard
    assert call.answered
    call.hang_up("test")
    await talk.peer.next_request("BYE")


@pytest.mark.parametrize(
    "contact",
    [
        f"<sip:peer@{HOST};transport=sctp>",
        f"<sip:peer@{HOST};transport=tls>",
    ],
)
def test_a_contact_that_leads_nowhere_gets_its_bye_where_it_came_from(contact: str) -> None:
    run_world(lambda world: _leads_nowhere(world, contact))


async def _leads_nowhere(world: World, contact: str) -> None:
    talk = Elsewhere(await _started(world, ROOM))
    talk.contact = contact
    assert (await talk.invite()).status == 200
    await world.clock.sleep(1)
    (call,) = world.server.switchboard
    call.hang_up("test")
    await talk.peer.next_request("BYE")
    await world.clock.sleep(1)
    assert len(world.server.switchboard) == 0
    assert world.server.conferences.participants_active == 0


@simulated()
async def test_an_invite_that_the_core_gave_up_is_no_call_any_more(world: World) -> None:
    talk = Talk(await _started(world, '<Response><Pause length="700"/><Gather timeout="3600"/></Response>'))
    assert (await talk.invite()).status == 500
    assert 599 < world.clock.now() < 605
    await world.clock.sleep(1)
    assert len(world.server.switchboard) == 0
    assert not world.server.signalling.lines
    await world.server.store.flush()
    (row,) = await world.server.store.calls.list(None)
    assert (row.status, row.answered_at) == ("canceled", None)


@simulated()
async def test_a_caller_who_gives_up_before_the_server_has_looked_is_asked_about_by_nobody(world: World) -> None:
    """INVITE and CANCEL in one batch of events: the application hears nothing, and the line is forgotten."""
    world.application('<Response><Gather timeout="3600"/></Response>')
    await world.start()
    talk = Talk(Peer(world))
    transaction, _sent = talk.peer.begin("INVITE", talk.target, talk.headers("INVITE"), talk.sdp())
    pumps = world.time.pumps[:]
    world.time.pumps[:] = [talk.peer.pump]  # the server's events wait meanwhile
    world.network.run_until(round((world.clock.now() + 0.3) * 1e6), False)
    talk.peer.pump()
    talk.peer.core.sip_cancel(transaction)
    world.network.run_until(round((world.clock.now() + 0.4) * 1e6), False)
    world.time.pumps[:] = pumps
    await world.clock.sleep(2)
    assert not world.asked
    assert not world.server.signalling.lines
    assert not len(world.server.switchboard)


@simulated()
async def test_answered_and_hung_up_in_one_moment_is_one_call_ended(world: World) -> None:
    """ACK and BYE in one batch of events, under a document that ends at once."""
    world.application("<Response></Response>")
    await world.start()
    talk = Talk(Peer(world))
    await talk.invite(ack=False)
    talk.ack()
    talk.peer.begin("BYE", talk.target, talk.headers("BYE"))
    await world.clock.sleep(2)
    await world.server.store.flush()
    events = [row.event for row in await world.server.store.events.after(None, 0)]
    assert events.count("call-ended") == 1
    assert events[-1] == "call-ended"
