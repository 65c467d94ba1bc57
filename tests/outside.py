"""What stands outside: a mail server, a webhook and a watch for the heartbeat. Each keeps what came, in order."""

import asyncio
import email
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.policy import default as modern
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import web


@dataclass
class Outside:
    """Something that takes messages. Every message must be read: an unread one fails the test when it ends."""

    url: str = ""
    got: list[str] = field(default_factory=list)
    read: int = 0
    refuses: bool = False
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, it takes no message and does not answer."""
    knocks: int = 0
    """How often somebody tried, also in vain."""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def takes(self, message: str) -> bool:
        """A message arrives; False when it is refused."""
        self.knocks += 1
        self._came.set()
        await self.answers.wait()
        if not self.refuses:
            self.got.append(message)
            self._came.set()
        return not self.refuses

    async def gets(self, *words: str) -> str:
        """Read the next message, which must hold these words."""
        async with asyncio.timeout(10):
            while len(self.got) <= self.read:
                self._came.clear()
                await self._came.wait()
        message = self.got[self.read]
        self.read += 1
        for word in words:
            assert word in message, f"expected {word!r}, got: {message}"
        return message

    async def is_knocked_at(self, times: int) -> None:
        """Wait until somebody has tried so often."""
        async with asyncio.timeout(10):
            while self.knocks < times:
                self._came.clear()
                await self._came.wait()

    def nothing_more(self) -> None:
        """Nothing came that was not read."""
        assert self.got[self.read :] == []


@asynccontextmanager
async def mail_server() -> AsyncIterator[Outside]:
    """A mail server; a message is its subject and its text."""
    server = Outside()
    server.answers.set()

    class Handler:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
            message = email.message_from_bytes(envelope.content or b"", policy=modern)
            body = message.get_body(("plain", "html"))
            text = body.get_content() if body is not None else ""
            taken = await server.takes(f"{message['subject']}\n{text}")
            return "250 OK" if taken else "451 4.7.1 Try again later"

    def protocol() -> SMTP:
        return SMTP(Handler(), hostname="mail.clinic.example", loop=asyncio.get_running_loop())

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    address = f"mailto://clinic.example:{port}?smtp=127.0.0.1&mode=insecure"
    server.url = f"{address}&from=bot@clinic.example&to=oncall@clinic.example"
    try:
        yield server
        server.nothing_more()
    finally:
        server.answers.set()
        listening.close()


@asynccontextmanager
async def webhook() -> AsyncIterator[Outside]:
    """A service that takes Apprise's JSON by HTTP; a message is its title and its text."""
    service = Outside()
    async with _http(service, "json", "POST", lambda fields: f"{fields['title']}\n{fields['message']}"):
        yield service


@asynccontextmanager
async def watch() -> AsyncIterator[Outside]:
    """A watch for the heartbeat; a message is the path that was asked for."""
    service = Outside()
    async with _http(service, "http", "GET", lambda _: "beat"):
        yield service


@asynccontextmanager
async def _http(service: Outside, scheme: str, method: str, words: Callable[[Any], str]) -> AsyncIterator[None]:
    service.answers.set()

    async def take(request: Request) -> Response:
        fields = json.loads(await request.body() or b"{}")
        return Response(status_code=200 if await service.takes(words(fields)) else 500)

    listener = web.listen("127.0.0.1", 0)
    site = Starlette(routes=[Route("/a-secret-path", take, methods=[method])])
    async with web.serving(uvicorn.Config(site, log_config=None), listener):
        service.url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/a-secret-path"
        try:
            yield
            service.nothing_more()
        finally:
            service.answers.set()
