"""Pushes updates to the bot's webhook: in order within a chat, chats side by side, again and again until a 2xx."""

import asyncio
from functools import partial
from typing import Any

import httpx

from bot.sandbox.dispatch import ConnectionCutError, answer
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import FaultKind
from bot.sandbox.people import Sandbox
from bot.sandbox.records import Json, Webhook
from bot.sandbox.updates import Pending

_ANSWER_SECONDS = 60.0
_LONGEST_BACKOFF = 60.0
_NOT_IN_A_REPLY = ("get", "setwebhook", "deletewebhook")


class Deliveries:
    """What runs beside the server: one courier for each chat that has updates waiting."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._couriers: dict[int, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled. The first webhook is waited for: a client is slow to make and often not needed."""
        await self._sandbox.until(lambda: self._sandbox.webhook)
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            try:
                with self._sandbox.woken_by_changes(self._changed):
                    while True:
                        self._changed.clear()
                        self._send_couriers(client)
                        await self._changed.wait()
            finally:
                couriers = list(self._couriers.values())
                for courier in couriers:
                    courier.cancel()
                await asyncio.gather(*couriers, return_exceptions=True)

    def _send_couriers(self, client: httpx.AsyncClient) -> None:
        webhook = self._sandbox.webhook
        if webhook is None:
            return
        for pending in self._sandbox.updates.waiting():
            if pending.chat_id not in self._couriers and len(self._couriers) < webhook.max_connections:
                task = asyncio.create_task(self._deliver(client, webhook, pending.chat_id))
                self._couriers[pending.chat_id] = task
                task.add_done_callback(partial(self._returned, pending.chat_id))

    def _returned(self, chat_id: int, _: asyncio.Task[None]) -> None:
        del self._couriers[chat_id]
        self._changed.set()

    async def _deliver(self, client: httpx.AsyncClient, webhook: Webhook, chat_id: int) -> None:
        wait = self._sandbox.webhook_backoff
        while self._sandbox.webhook is webhook and (pending := self._next(chat_id)):
            problem, retry_after = await self._post(client, webhook, pending)
            if problem is None:
                wait = self._sandbox.webhook_backoff
                self._sandbox.updates.discard(pending.update["update_id"])
                self._sandbox.changed()
                continue
            webhook.last_error_date = self._sandbox.timestamp()
            webhook.last_error_message = problem
            self._sandbox.changed()
            await self._sandbox.pause(retry_after or wait)
            wait = min(wait * 2, _LONGEST_BACKOFF)

    def _next(self, chat_id: int) -> Pending | None:
        queue = [pending for pending in self._sandbox.updates.waiting() if pending.chat_id == chat_id]
        if len(queue) > 1 and self._sandbox.faults.take_of_updates(FaultKind.REORDER_UPDATES):
            return queue[1]
        return queue[0] if queue else None

    async def _post(self, client: httpx.AsyncClient, webhook: Webhook, pending: Pending) -> tuple[str | None, float]:
        """Deliver one update: what went wrong (None: nothing), and how many seconds the bot asks to wait."""
        if self._sandbox.faults.take_of_updates(FaultKind.DROP_WEBHOOK):
            return "Connection timed out", 0.0
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token} if webhook.secret_token else {}
        twice = self._sandbox.faults.take_of_updates(FaultKind.DUPLICATE_UPDATES)
        try:
            for _ in range(2 if twice else 1):
                response = await client.post(webhook.url, json=pending.update, headers=headers)
        except httpx.TimeoutException:
            return "Read timeout expired", 0.0
        except httpx.TransportError as error:
            return f"Connection failed: {error}" if str(error) else "Connection failed", 0.0
        if not response.is_success:
            after = response.headers.get("Retry-After", "")
            seconds = float(after) if after.isdecimal() else 0.0
            return f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}", seconds
        await self._obey(response)
        return None, 0.0

    async def _obey(self, response: httpx.Response) -> None:
        """Execute the method that the bot put into its response, if any; its result is never told."""
        request = _read_request(response)
        method = str(request.pop("method", ""))
        if not method or method.lower().startswith(_NOT_IN_A_REPLY):
            return
        try:
            await answer(self._sandbox, method, request, {})
        except (ApiError, ConnectionCutError):
            return


def _read_request(response: httpx.Response) -> Json:
    try:
        body: Any = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
