"""Faults on demand: each goes wrong the way it says, as often as it says, and where it says."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

from bot.sandbox import Fault, FaultKind
from tests.bot.test_sandbox_wire import wired


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (FaultKind.BAD_REQUEST, BadRequest, "Chat not found"),
        (FaultKind.FORBIDDEN, Forbidden, "bot was blocked by the user"),
        (FaultKind.SERVER_ERROR, NetworkError, "Internal Server Error"),
        (FaultKind.BAD_GATEWAY, NetworkError, "Bad Gateway"),
    ],
)
async def test_an_error_in_place_of_an_answer(kind: FaultKind, error: type[TelegramError], words: str) -> None:
    async with wired() as wire, wire.bot() as bot:
        wire.sandbox.inject(Fault(kind, "sendMessage"))
        with pytest.raises(error, match=words):
            await bot.send_message(wire.sam.id, "lost")
        await bot.send_message(wire.sam.id, "kept")
        assert [m["text"] for m in wire.sandbox.messages(wire.sam)] == ["/start", "kept"]


async def test_too_many_requests_names_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    async with wired() as wire, wire.bot() as bot:
        wire.sandbox.inject(Fault(FaultKind.TOO_MANY, retry_after=7))
        answer = await wire.call("sendMessage", chat_id=wire.sam.id, text="x")
        assert answer.headers["Retry-After"] == "7"
        assert answer.json() == {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 7",
            "parameters": {"retry_after": 7},
        }
        wire.sandbox.inject(Fault(FaultKind.TOO_MANY, retry_after=7))
        with pytest.raises(RetryAfter) as wait:
            await bot.send_message(wire.sam.id, "x")
        assert wait.value.retry_after == timedelta(seconds=7)


async def test_a_cut_connection_leaves_the_work_done() -> None:
    async with wired() as wire, wire.bot() as bot:
        wire.sandbox.inject(Fault(FaultKind.CUT, "sendMessage"))
        with pytest.raises(NetworkError):
            await bot.send_message(wire.sam.id, "arrived")
        assert wire.sandbox.last_message(wire.sam)["text"] == "arrived"
        assert wire.sandbox.calls[-1].error == "the connection was cut after the work was done"


async def test_a_slow_answer_comes_after_the_work_was_done() -> None:
    async with wired() as wire, wire.bot() as bot:
        wire.sandbox.inject(Fault(FaultKind.SLOW, "sendMessage", seconds=30))
        with pytest.raises(TimedOut):
            await bot.send_message(wire.sam.id, "arrived", read_timeout=0.05)
        assert wire.sandbox.last_message(wire.sam)["text"] == "arrived"


async def test_a_fault_keeps_to_its_method_chat_and_times() -> None:
    async with wired() as wire:
        rosa = wire.sandbox.add_user("Rosa")
        wire.sandbox.start(rosa)
        wire.sandbox.inject(
            Fault(FaultKind.BAD_GATEWAY, "sendmessage", times=2, chat_id=rosa.id, description="Weather")
        )

        async def status(chat_id: int) -> int:
            return (await wire.call("sendMessage", chat_id=chat_id, text="x")).status_code

        assert (await wire.call("getMe")).status_code == 200
        assert [await status(wire.sam.id), await status(rosa.id), await status(rosa.id), await status(rosa.id)] == [
            200,
            502,
            502,
            200,
        ]
        assert wire.sandbox.calls[2].error == "Weather"
        wire.sandbox.inject(Fault(FaultKind.BAD_GATEWAY, times=None))
        assert [await status(wire.sam.id) for _ in range(3)] == [502, 502, 502]
        wire.sandbox.clear_faults()
        assert await status(wire.sam.id) == 200


async def test_polled_updates_are_doubled_and_reordered() -> None:
    async with wired() as wire:
        for text in ("one", "two"):
            wire.sandbox.say(wire.sam, text)
        for kind, expected in (
            (FaultKind.DUPLICATE_UPDATES, ["one", "one", "two", "two"]),
            (FaultKind.REORDER_UPDATES, ["two", "one"]),
        ):
            wire.sandbox.inject(Fault(kind))
            updates = (await wire.call("getUpdates")).json()["result"]
            assert [update["message"]["text"] for update in updates] == expected
            updates = (await wire.call("getUpdates")).json()["result"]
            assert [update["message"]["text"] for update in updates] == ["one", "two"]


async def test_faults_over_http() -> None:
    async with wired() as wire:
        with wire.sandbox.subscribe() as events:
            made = await wire.http.post("/sandbox/faults", json={"kind": "403", "method": "sendMessage", "times": None})
            assert (await asyncio.wait_for(events.get(), 1)) == {"type": "faults", "faults": made.json()}
        assert (await wire.http.get("/sandbox/faults")).json()[0]["kind"] == "403"
        refusals = [
            await wire.http.post("/sandbox/faults", json={"kind": "rain"}),
            await wire.http.post("/sandbox/faults", json={"kind": "cut", "colour": 1}),
            await wire.http.post("/sandbox/faults", json={"kind": "cut", "times": "two"}),
        ]
        assert [refused.status_code for refused in refusals] == [400, 400, 400]
        assert (await wire.http.delete("/sandbox/faults")).json() == []


async def test_the_plain_client_sees_a_broken_connection() -> None:
    async with wired() as wire:
        wire.sandbox.inject(Fault(FaultKind.CUT))
        with pytest.raises(httpx.RemoteProtocolError):
            await wire.call("getMe")
