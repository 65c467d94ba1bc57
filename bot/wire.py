"""The Bot API as the rest of the program uses it: python-telegram-bot's Bot, spoken to in raw JSON."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from telegram import Bot, InputFile
from telegram.error import RetryAfter, TelegramError
from telegram.request import HTTPXRequest

os.environ["PTB_TIMEDELTA"] = (
    "true"  # python-telegram-bot's way to choose durations, not numbers, before it is the default
)

CONNECTIONS = 64
POLL_SECONDS = 30
"""How long Telegram may hold a getUpdates before it answers with nothing."""

KINDS_OF_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")


def asked_to_wait(error: RetryAfter) -> timedelta:
    """How long Telegram asks for silence."""
    wait = error.retry_after
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)


class Wire(Bot):
    """A Bot that can call any method by name, and gives updates as they came, unparsed.

    One update that python-telegram-bot cannot parse would otherwise block its whole batch for ever.
    """

    def __init__(self, token: str, base_url: str) -> None:
        super().__init__(
            token,
            base_url=f"{base_url}/bot",
            base_file_url=f"{base_url}/file/bot",
            request=HTTPXRequest(connection_pool_size=CONNECTIONS, pool_timeout=30, read_timeout=20),
            get_updates_request=HTTPXRequest(connection_pool_size=4, pool_timeout=30),
        )

    async def call(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """Call a method; a document, given as {"filename", "content"}, is uploaded. Raises TelegramError."""
        given = dict(parameters)
        match given.get("document"):
            case {"filename": str(filename), "content": str(content)}:
                given["document"] = InputFile(content.encode(), filename=filename)
        return await self._post(method, given)

    async def raw_updates(self, offset: int | None, *, seconds: int = POLL_SECONDS) -> list[Any]:
        """Updates from `offset` on, which confirms all before it. Raises telegram.error.TelegramError."""
        parameters = {"offset": offset, "timeout": seconds, "allowed_updates": KINDS_OF_UPDATES}
        result = await self._post("getUpdates", parameters, read_timeout=seconds + 10)
        if not isinstance(result, list):
            raise TelegramError("getUpdates did not answer with a list")
        return result
