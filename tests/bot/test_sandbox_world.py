"""The sandbox's world outlives its process, a port that is taken is named, and ids do not start again."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.clock import MovableClock
from bot.sandbox import Sandbox, WorldFileError, serve
from bot.sandbox.files import grey_png
from bot.web import PortTakenError
from tests.bot.test_sandbox_wire import wired

PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.sandbox import Sandbox, serve

async def main():
    sandbox = Sandbox.with_default_people(path=Path(sys.argv[1]))
    async with serve(sandbox) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def new_clock() -> MovableClock:
    return MovableClock(frozen_at=datetime(2026, 3, 2, 17, tzinfo=UTC))


async def test_a_world_is_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    async with wired(Sandbox(new_clock(), path)) as wire, wire.bot() as bot:
        sent = await bot.send_photo(wire.sam.id, grey_png(), caption="Chart")
        await bot.set_my_commands([("stop", "Stop")])
        await bot.set_webhook("http://127.0.0.1:1/hook", secret_token="s3cret", allowed_updates=["message"])
        wire.sandbox.say(wire.sam, "unconfirmed")
        wire.sandbox.advance(timedelta(days=8))
        wire.sandbox.say(wire.sam, "after a week")
        before = wire.sandbox.state()
        next_ids = (wire.sandbox.next_message_id, wire.sandbox.updates.next_id)
    sandbox = Sandbox(new_clock(), path)
    assert sandbox.state() == before
    assert (sandbox.next_message_id, sandbox.updates.next_id) == next_ids
    assert sandbox.clock.now() == new_clock().now() + timedelta(days=8)
    assert sandbox.webhook
    assert sandbox.webhook.secret_token == "s3cret"
    assert [p.update["message"]["text"] for p in sandbox.updates.pending] == ["after a week"]
    async with wired(sandbox) as wire, wire.bot() as bot:
        file = await bot.get_file(sent.photo[-1].file_id)
        assert bytes(await file.download_as_bytearray()) == grey_png()


async def test_a_world_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(verify=False, trust_env=False) as http:
        sam = (await http.get(f"{url}/sandbox/state")).json()["users"][0]["id"]
        await http.post(f"{url}/sandbox/messages", json={"user": sam, "text": "remember me"})
        async with asyncio.timeout(5):
            while "remember me" not in (path.read_text("utf-8") if path.exists() else ""):
                await http.get(f"{url}/sandbox/state")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    again = Sandbox.with_default_people(path=path)
    assert [message["text"] for message in again.messages(sam)] == ["remember me"]
    assert len(again.people) == 4
    assert abs(again.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_running_clock_stays_ahead_by_what_it_was_moved(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    Sandbox.with_default_people(path=path).advance(timedelta(days=30))
    ahead = Sandbox(path=path).clock.now() - datetime.now(UTC)
    assert timedelta(days=30) - timedelta(seconds=5) < ahead <= timedelta(days=30, seconds=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"format": "telegram sandbox world 1", "peop', "is torn or is no sandbox world"),
        ("hello", "is torn or is no sandbox world"),
        ('{"format": "something else"}', "is no sandbox world of this version"),
        ('{"format": "telegram sandbox world 1"}', "is a damaged sandbox world"),
        (b"\xff\xfe", "can't be read as a sandbox world"),
    ],
)
def test_a_torn_or_foreign_file_is_named(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "world.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WorldFileError, match=words) as error:
        Sandbox(path=path)
    assert str(path) in str(error.value)


def test_a_world_belongs_to_one_bot(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    Sandbox(path=path).add_user("Sam")
    with pytest.raises(WorldFileError, match="the world of another bot"):
        Sandbox(path=path, token="7700000002:AAsandboxSANDBOXsandboxSANDBOXsandb")


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    sandbox = Sandbox.with_default_people(path=path)
    sandbox.start(next(iter(sandbox.people)))
    assert json.loads(path.read_text("utf-8"))["messages"][0]["text"] == "/start"
    assert [entry.name for entry in tmp_path.iterdir()] == ["world.json"]


def test_a_later_world_has_later_ids_and_the_same_people() -> None:
    earlier = Sandbox.with_default_people(new_clock())
    later_clock = new_clock()
    later_clock.advance(timedelta(hours=1))
    later = Sandbox.with_default_people(later_clock)
    assert later.updates.next_id > earlier.updates.next_id
    assert later.next_message_id > earlier.next_message_id
    assert list(later.people) == list(earlier.people)


async def test_a_port_that_is_taken_is_an_error_with_its_number() -> None:
    async with serve(Sandbox()) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(PortTakenError, match=f"Port {port} on 127.0.0.1 is in use"):
            async with serve(Sandbox(), port=port):
                pass
