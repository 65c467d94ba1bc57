"""Two bots on one PostgreSQL database: whatever reaches either happens once, and one goes on when the other dies."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from sqlmodel import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import web
from bot.app import running
from bot.receiver import WEBHOOK_PATH
from storage import outbox
from storage.database import open_store
from storage.outbox import Urgency
from storage.tables import TimerRow
from tests.databases import KEYRING, Database, Server
from tests.world import World, free_port, world

CRISIS = "i want to kill myself"
MINUTES = timedelta(minutes=1)


@asynccontextmanager
async def balanced(ports: Sequence[int]) -> AsyncIterator[str]:
    """A proxy that hands updates to these ports in turn, and passes over a port where nobody listens."""
    turns = count()

    async def relay(request: Request) -> Response:
        for _ in ports:
            url = f"http://127.0.0.1:{ports[next(turns) % len(ports)]}{WEBHOOK_PATH}"
            try:
                async with httpx.AsyncClient() as client:
                    answer = await client.post(url, content=await request.body(), headers=dict(request.headers))
                return Response(answer.content, answer.status_code)
            except httpx.ConnectError:
                continue
        return Response(status_code=502)

    listener = web.listen("127.0.0.1", 0)
    site = Starlette(routes=[Route(WEBHOOK_PATH, relay, methods=["POST"])])
    async with web.serving(uvicorn.Config(site, log_config=None), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def made(postgresql: Server) -> Iterator[Database]:
    with postgresql.database(made=True) as found:
        yield found


@asynccontextmanager
async def two(folder: Path, database: Database) -> AsyncIterator[tuple[World, AsyncExitStack]]:
    """A world with a second bot beside the first, and what takes the second one down."""
    ports = (free_port(), free_port())
    async with balanced(ports) as url, world(folder, database=database) as here, AsyncExitStack() as second:
        shared = {"public_url": url, "taperline_keys": SecretStr(KEYRING.text())}
        here.settings = here.settings.model_copy(update={**shared, "port": ports[0]})
        await here.restart()
        beside = here.settings.model_copy(update={"port": ports[1]})
        await second.enter_async_context(running(beside, here.sandbox.token, here.clock))
        yield here, second


async def test_each_page_is_sent_once_by_two_bots_and_by_the_one_that_is_left(tmp_path: Path, made: Database) -> None:
    async with two(tmp_path, made) as (here, second):
        lee, sam, rosa = await here.clinician(), here.patient(), here.patient("Rosa")
        sam.says(CRISIS)
        await sam.gets("988")
        await lee.gets("EMERGENCY · A-1")
        for number in range(2, 6):
            await here.passes(15 * MINUTES)
            await lee.gets(f"A-1 · page {number}")
            await lee.gets_nothing()
        lee.taps("Acknowledge")
        await lee.sees("Acknowledged by Dr. Lee")
        await sam.gets("has now seen")
        await second.aclose()
        rosa.says(CRISIS)
        await rosa.gets("988")
        await lee.gets("EMERGENCY · A-2")
        await here.passes(15 * MINUTES)
        await lee.gets("A-2 · page 2")
        await lee.gets_nothing()
        await sam.gets_nothing()
        timers = await here.app.store.run(lambda tx: [row.scope for row in tx.session.exec(select(TimerRow))])
        assert sorted(scope for scope in timers if scope.startswith("alert:")) == ["alert:1", "alert:2"]


async def test_p4_what_a_bot_left_unsent_when_it_died_is_sent_by_the_other(tmp_path: Path, made: Database) -> None:
    async with two(tmp_path, made) as (here, _):
        lee, sam = await here.clinician(), here.patient()
        sam.says(CRISIS)
        await lee.gets("EMERGENCY · A-1")
        await here.settled()
        await here.bot.aclose()
        here.sandbox.advance(15 * MINUTES)
        await lee.gets("A-1 · page 2")


async def test_a_message_that_was_committed_by_a_bot_that_died_at_once_is_sent_within_a_minute(
    tmp_path: Path, made: Database
) -> None:
    async with world(tmp_path, database=made) as here:
        sam, now = here.patient(), here.clock.now()
        sam.starts()
        await sam.gets("Shall we begin?")
        await here.settled()
        dead = open_store(made.url, KEYRING)
        words = {"chat_id": sam.person.id, "text": "Left behind"}
        await dead.run(lambda tx: outbox.put(tx, sam.person.id, "sendMessage", words, urgency=Urgency.REPLY, now=now))
        dead.close()
        here.sandbox.advance(1 * MINUTES)
        await sam.gets("Left behind")
