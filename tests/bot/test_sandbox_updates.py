"""How updates reach the bot by polling: confirmed by offset, one poll at a time, forgotten when too old."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from bot.sandbox import Sandbox, serve
from tests.bot.test_sandbox_wire import Wire, wired


async def fetched(wire: Wire, **parameters: Any) -> list[Any]:
    updates: list[Any] = (await wire.call("getUpdates", **parameters)).json()["result"]
    return updates


def texts(updates: list[Any]) -> list[str]:
    return [update["message"]["text"] for update in updates]


async def waiting(wire: Wire) -> None:
    await wire.sandbox.wait_for(lambda: any(c.method == "getUpdates" and not c.done for c in wire.sandbox.calls))


async def test_p3_updates_stay_until_an_offset_confirms_them() -> None:
    async with wired() as wire:
        for text in ("one", "two", "three"):
            wire.sandbox.say(wire.sam, text)
        first = await fetched(wire)
        assert texts(first) == ["one", "two", "three"]
        ids = [update["update_id"] for update in first]
        assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
        assert await fetched(wire) == first
        assert texts(await fetched(wire, limit=2)) == ["one", "two"]
        assert texts(await fetched(wire, offset=ids[1])) == ["two", "three"]
        assert texts(await fetched(wire)) == ["two", "three"]
        assert texts(await fetched(wire, offset=-1)) == ["three"]
        assert await fetched(wire, offset=ids[2] + 1) == []


async def test_an_offset_of_another_world_confirms_nothing() -> None:
    async with wired() as wire:
        wire.sandbox.say(wire.sam, "one")
        assert texts(await fetched(wire, offset=2_000_000_000)) == ["one"]


async def test_a_poll_waits_for_the_next_update() -> None:
    async with wired() as wire:
        poll = asyncio.create_task(fetched(wire, timeout=30))
        await waiting(wire)
        wire.sandbox.say(wire.sam, "at last")
        assert texts(await poll) == ["at last"]


async def test_a_second_poll_takes_over() -> None:
    async with wired() as wire:
        poll = asyncio.create_task(wire.call("getUpdates", timeout=30))
        await waiting(wire)
        assert await fetched(wire) == []
        answer = await poll
        assert answer.status_code == 409
        assert answer.json()["description"] == (
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
        )


async def test_a_webhook_ends_polling() -> None:
    async with wired() as wire:
        poll = asyncio.create_task(wire.call("getUpdates", timeout=30))
        await waiting(wire)
        await wire.call("setWebhook", url="http://127.0.0.1:9/hook")
        assert (await poll).json()["description"] == "Conflict: terminated by setWebhook request"
        refused = await wire.refusal("getUpdates")
        assert refused.startswith("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        assert (await wire.call("deleteWebhook")).json()["description"] == "Webhook was deleted"
        assert await fetched(wire) == []


async def test_only_allowed_updates_are_kept_from_then_on() -> None:
    async with wired() as wire:
        await fetched(wire, allowed_updates=["callback_query"])
        wire.sandbox.say(wire.sam, "unheard")
        assert await fetched(wire) == []
        await fetched(wire, allowed_updates=[])
        wire.sandbox.say(wire.sam, "heard")
        assert texts(await fetched(wire)) == ["heard"]


async def test_messages_are_kept_for_24_hours_and_taps_for_150_seconds() -> None:
    async with wired() as wire:
        keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
        sent = (await wire.call("sendMessage", chat_id=wire.sam.id, text="?", reply_markup=keyboard)).json()
        wire.sandbox.say(wire.sam, "hello")
        wire.sandbox.tap(wire.sam, sent["result"]["message_id"], "b")
        wire.sandbox.advance(151)
        assert texts(await fetched(wire)) == ["hello"]
        wire.sandbox.advance(timedelta(hours=24))
        assert await fetched(wire) == []


async def test_a_client_that_hangs_up_ends_its_poll() -> None:
    async with wired() as wire:
        poll = asyncio.create_task(fetched(wire, timeout=30))
        await waiting(wire)
        poll.cancel()
        await wire.sandbox.wait_for(lambda: all(call.done for call in wire.sandbox.calls))


async def test_the_server_stops_at_once_with_open_polls_and_streams() -> None:
    sandbox = Sandbox()
    async with asyncio.timeout(2), httpx.AsyncClient(verify=False, trust_env=False) as http:
        async with serve(sandbox) as url:
            poll = asyncio.create_task(http.get(f"{url}/bot{sandbox.token}/getUpdates?timeout=50"))
            stream = asyncio.create_task(http.get(f"{url}/sandbox/events"))
            await sandbox.wait_for(lambda: sandbox.calls and not sandbox.calls[-1].done)
        assert (await poll).json() == {"ok": True, "result": []}
        assert (await stream).status_code == 200


async def test_a_world_can_be_served_again() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        async with wired(sandbox) as wire:
            poll = asyncio.create_task(fetched(wire, timeout=30, offset=sandbox.updates.next_id))
            await waiting(wire)
            sandbox.say(wire.sam, "again")
            assert texts(await poll) == ["again"]
