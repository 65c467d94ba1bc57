"""How updates reach the bot by webhook: pushed in order, again after every failure, with the secret in a header."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox import Fault, FaultKind, Sandbox
from bot.web import listen, serving
from tests.bot.test_sandbox_wire import Wire, wired

Hook = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def receiver(hook: Hook) -> AsyncIterator[str]:
    """A bot's web server with one address."""
    listener = listen("127.0.0.1", 0)
    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    async with serving(uvicorn.Config(app, log_config=None, log_level="critical"), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"


class Inbox:
    """A hook that keeps what it gets and answers what it is told; 200 when nothing is left to tell."""

    def __init__(self, *answers: Response) -> None:
        self.updates: list[Any] = []
        self.secrets: list[str | None] = []
        self.answers = list(answers)

    async def receive(self, request: Request) -> Response:
        self.updates.append(json.loads(await request.body()))
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        return self.answers.pop(0) if self.answers else Response()

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates]


async def delivered(wire: Wire) -> None:
    await wire.sandbox.wait_for(lambda: not wire.sandbox.updates.pending)


def impatient() -> Sandbox:
    return Sandbox(webhook_backoff=0.01)


async def test_updates_are_pushed_with_the_secret_until_they_are_accepted() -> None:
    inbox = Inbox(Response(status_code=500), Response(status_code=503))
    async with wired(impatient()) as wire, receiver(inbox.receive) as url:
        wire.sandbox.say(wire.sam, "one")
        wire.sandbox.say(wire.sam, "two")
        answer = await wire.call("setWebhook", url=url, secret_token="s3cret", max_connections=3)
        assert answer.json() == {"ok": True, "result": True, "description": "Webhook was set"}
        await delivered(wire)
        assert inbox.texts == ["one", "one", "one", "two"]
        assert set(inbox.secrets) == {"s3cret"}
        info = (await wire.call("getWebhookInfo")).json()["result"]
        assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"
        assert (info["url"], info["pending_update_count"], info["max_connections"]) == (url, 0, 3)
        again = await wire.call("setWebhook", url=url, secret_token="s3cret")
        assert again.json()["description"] == "Webhook is already set"


async def test_a_hook_that_is_not_there_keeps_updates_pending() -> None:
    async with wired(impatient()) as wire:
        await wire.call("setWebhook", url="http://127.0.0.1:1/hook")
        wire.sandbox.say(wire.sam, "one")
        await wire.sandbox.wait_for(lambda: wire.sandbox.webhook and wire.sandbox.webhook.last_error_message)
        info = (await wire.call("getWebhookInfo")).json()["result"]
        assert info["pending_update_count"] == 1
        assert info["last_error_message"].startswith("Connection failed")
        await wire.call("deleteWebhook", drop_pending_updates=True)
        assert (await wire.call("getWebhookInfo")).json()["result"] == {
            "url": "",
            "has_custom_certificate": False,
            "pending_update_count": 0,
        }


async def test_one_slow_chat_does_not_hold_up_another() -> None:
    release = asyncio.Event()
    seen: list[str] = []

    async def hook(request: Request) -> Response:
        text = (await request.json())["message"]["text"]
        seen.append(text)
        if text == "slow":
            await release.wait()
        return Response()

    async with wired() as wire, receiver(hook) as url:
        rosa = wire.sandbox.add_user("Rosa")
        await wire.call("setWebhook", url=url)
        wire.sandbox.say(wire.sam, "slow")
        wire.sandbox.say(wire.sam, "after slow")
        wire.sandbox.say(rosa, "quick")
        await wire.sandbox.wait_for(lambda: len(wire.sandbox.updates.pending) == 2)
        assert sorted(seen) == ["quick", "slow"]
        release.set()
        await delivered(wire)
        assert seen[-1] == "after slow"


async def test_a_webhook_that_is_deleted_gets_nothing_more() -> None:
    async with wired() as wire:
        seen: list[int] = []

        async def hook(request: Request) -> Response:
            seen.append((await request.json())["update_id"])
            await wire.call("deleteWebhook")
            return Response()

        async with receiver(hook) as url:
            first = wire.sandbox.updates.next_id
            for text in ("one", "two"):
                wire.sandbox.say(wire.sam, text)
            await wire.call("setWebhook", url=url)
            await wire.sandbox.wait_for(lambda: len(wire.sandbox.updates.pending) == 1)
            updates = (await wire.call("getUpdates")).json()["result"]
            assert (seen, [update["update_id"] for update in updates]) == ([first], [first + 1])


async def test_a_method_in_the_response_is_executed() -> None:
    async with wired() as wire:
        reply = {"method": "sendMessage", "chat_id": wire.sam.id, "text": "from the hook"}
        inbox = Inbox(JSONResponse(reply), JSONResponse({"method": "getMe"}), JSONResponse(["nonsense"]))
        async with receiver(inbox.receive) as url:
            await wire.call("setWebhook", url=url)
            for text in ("one", "two", "three"):
                wire.sandbox.say(wire.sam, text)
            await delivered(wire)
        assert [m["text"] for m in wire.sandbox.messages(wire.sam)] == [
            "/start",
            "one",
            "two",
            "three",
            "from the hook",
        ]
        assert not wire.sandbox.calls_of("getMe")


async def test_deliveries_are_dropped_doubled_and_reordered_on_demand() -> None:
    inbox = Inbox()
    async with wired(impatient()) as wire, receiver(inbox.receive) as url:
        for text in ("one", "two", "three"):
            wire.sandbox.say(wire.sam, text)
        wire.sandbox.inject(Fault(FaultKind.DROP_WEBHOOK))
        wire.sandbox.inject(Fault(FaultKind.REORDER_UPDATES))
        wire.sandbox.inject(Fault(FaultKind.DUPLICATE_UPDATES))
        await wire.call("setWebhook", url=url)
        await delivered(wire)
        assert sorted(inbox.texts) == ["one", "one", "three", "two"]
        assert wire.sandbox.webhook
        assert wire.sandbox.webhook.last_error_message == "Connection timed out"
        assert not wire.sandbox.faults.waiting
