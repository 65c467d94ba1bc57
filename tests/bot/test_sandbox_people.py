"""The human side of the sandbox, as the chat page uses it: people write, edit, tap, block, and time passes."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.clock import MovableClock
from bot.sandbox import Role, Sandbox, serve
from bot.sandbox.files import grey_png
from tests.bot.test_sandbox_wire import Wire, wired


async def post(wire: Wire, path: str, **fields: Any) -> Any:
    answer = await wire.http.post(f"/sandbox/{path}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_state_is_the_whole_world() -> None:
    async with wired() as wire:
        await wire.call("sendMessage", chat_id=wire.sam.id, text="<b>Hi</b>", parse_mode="HTML")
        state = (await wire.http.get("/sandbox/state")).json()
        assert set(state) == {
            "now", "bot", "users", "chats", "messages", "commands", "faults", "webhook", "controls",
        }  # fmt: skip
        assert state["users"] == [
            {"id": wire.sam.id, "first_name": "Sam", "language_code": "en", "role": "patient", "about": ""}
        ]
        assert state["chats"][0]["members"] == [wire.sam.id]
        assert state["messages"][-1]["html"] == "<b>Hi</b>"
        assert state["controls"] == {"restart": False}


def test_the_default_people_are_two_patients_and_two_clinicians() -> None:
    people = Sandbox.with_default_people().people.values()
    assert [(p.first_name, p.role, p.language_code) for p in people] == [
        ("Sam", Role.PATIENT, "en"),
        ("Rosa", Role.PATIENT, "es"),
        ("Dr. Lee", Role.CLINICIAN, "en"),
        ("Jordan", Role.CLINICIAN, "en"),
    ]


async def test_what_people_do_becomes_updates() -> None:
    async with wired() as wire:
        rosa = await post(wire, "users", first_name="Rosa", language_code="es", role="patient", about="new")
        said = await post(wire, "messages", user=rosa["id"], text="/start abc")
        await post(wire, "edits", user=rosa["id"], message_id=said["message_id"], text="/start abd")
        await post(wire, "messages", user=rosa["id"], text="hola", forward_from="Ana")
        await post(wire, "block", user=rosa["id"], blocked=True)
        await post(wire, "block", user=rosa["id"], blocked=False)
        await post(wire, "groups", title="On call", members=[wire.sam.id, rosa["id"]])
        updates = (await wire.call("getUpdates")).json()["result"]
        assert [list(update)[1] for update in updates] == [
            "message",
            "edited_message",
            "message",
            "my_chat_member",
            "my_chat_member",
            "my_chat_member",
        ]
        first, edited, forwarded = (list(update.values())[1] for update in updates[:3])
        assert first["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
        assert first["from"]["language_code"] == "es"
        assert (edited["text"], edited["message_id"]) == ("/start abd", first["message_id"])
        assert "edit_date" in edited
        assert forwarded["forward_origin"]["sender_user_name"] == "Ana"


@pytest.mark.parametrize("kind", ["sticker", "voice", "photo", "document", "location", "contact"])
async def test_a_message_of_every_kind_is_a_message_to_the_library(kind: str) -> None:
    async with wired() as wire, wire.bot() as bot:
        shown = await post(wire, "messages", user=wire.sam.id, kind=kind)
        (update,) = await bot.get_updates()
        assert update.message
        assert not update.message.api_kwargs
        assert update.message.effective_attachment
        for file in shown.get("files", []):
            assert (await wire.http.get(file["url"])).headers["content-type"].startswith(file["mime"])


async def test_a_real_file_is_sent_as_multipart() -> None:
    async with wired() as wire:
        answer = await wire.http.post(
            "/sandbox/messages",
            data={"user": str(wire.sam.id), "kind": "photo", "caption": "my list"},
            files={"file": ("list.png", grey_png(8, 8), "image/png")},
        )
        assert answer.json()["files"][0]["name"] == "list.png"
        assert (await wire.http.get(answer.json()["files"][0]["url"])).content == grey_png(8, 8)


async def test_a_long_text_is_split_as_the_apps_do_unless_raw() -> None:
    async with wired() as wire:
        wire.sandbox.say(wire.sam, "word " * 1000)
        lengths = [len(p.update["message"]["text"]) for p in wire.sandbox.updates.pending]
        assert lengths == [4094, 904]
        await post(wire, "messages", user=wire.sam.id, text="x" * 5000, raw=True)
        assert len(wire.sandbox.last_message(wire.sam)["text"]) == 5000


async def test_a_button_is_tapped_by_data_or_by_place() -> None:
    async with wired() as wire:
        keyboard = {"inline_keyboard": [[{"text": "A", "callback_data": "a"}], [{"text": "W", "url": "https://a.org"}]]}
        sent = (await wire.call("sendMessage", chat_id=wire.sam.id, text="?", reply_markup=keyboard)).json()["result"]
        tap = {"user": wire.sam.id, "message_id": sent["message_id"]}
        by_data = await post(wire, "taps", **tap, data="a")
        by_place = await post(wire, "taps", **tap, row=0, column=0)
        forged = await post(wire, "taps", **tap, data="anything", forged=True)
        for wrong in ({"data": "b"}, {"row": 1, "column": 0}, {"row": 7}):
            answer = await wire.http.post("/sandbox/taps", json={**tap, **wrong})
            assert answer.status_code == 404
            assert answer.json()["error"].startswith("The message has no button")
        queries = [u["callback_query"] for u in (await wire.call("getUpdates")).json()["result"]]
        assert [(q["id"], q["data"]) for q in queries] == [
            (by_data["callback_query_id"], "a"),
            (by_place["callback_query_id"], "a"),
            (forged["callback_query_id"], "anything"),
        ]
        assert queries[0]["message"] == sent
        assert len({q["chat_instance"] for q in queries}) == 1


@pytest.mark.parametrize(
    ("path", "fields", "status", "sentence"),
    [
        ("messages", {"user": 1, "text": "x"}, 404, "There is no person 1."),
        ("messages", {"user": "SAM", "text": "  "}, 400, "A message needs a text."),
        ("messages", {"user": "SAM", "text": 5}, 400, 'The field "text" must be a text.'),
        ("messages", {"user": "SAM", "text": "x", "colour": "red"}, 400, 'There is no field "colour" here.'),
        ("messages", {"user": "SAM", "kind": "smell"}, 400, 'A message can\'t be of the kind "smell".'),
        ("messages", {"user": "SAM", "text": "x", "reply_to": 4}, 404, "There is no message 4 to reply to."),
        ("messages", {"user": "SAM", "text": "x", "chat": -5}, 404, "There is no chat -5."),
        ("edits", {"user": "SAM", "message_id": 4, "text": "x"}, 404, "There is no message 4."),
        ("taps", {"user": "SAM", "message_id": 4, "data": "x"}, 404, "There is no message 4."),
        ("block", {"user": "SAM"}, 400, 'The field "blocked" is true or false.'),
        ("users", {"last_name": "Nobody"}, 400, "A person needs a first_name."),
        ("users", {"first_name": "X", "role": "king"}, 400, "The role of a person is patient or clinician."),
        ("groups", {"title": "x", "members": "all"}, 400, "The members of a group are a list of ids."),
        ("clock", {"advance": -1}, 400, "The clock is advanced by a number of seconds, or until morning."),
        ("clock", {"until": "morning", "timezone": "Mars"}, 400, "There is no such time zone."),
        ("restart", {}, 409, "This sandbox does not run the bot itself, so it can't restart it."),
    ],
)
async def test_the_impossible_is_refused_in_one_sentence(
    path: str, fields: dict[str, Any], status: int, sentence: str
) -> None:
    async with wired() as wire:
        given = {name: wire.sam.id if value == "SAM" else value for name, value in fields.items()}
        answer = await wire.http.post(f"/sandbox/{path}", json=given)
        assert (answer.status_code, answer.json()) == (status, {"error": sentence})


async def test_who_has_blocked_the_bot_can_not_write_to_it() -> None:
    async with wired() as wire:
        wire.sandbox.block(wire.sam)
        answer = await wire.http.post("/sandbox/messages", json={"user": wire.sam.id, "text": "x"})
        assert answer.status_code == 409
        assert (await wire.http.post("/sandbox/messages", content="{")).json() == {
            "error": "The request's body is not JSON."
        }


async def test_time_is_moved_by_seconds_or_to_the_morning() -> None:
    clock = MovableClock(frozen_at=datetime(2026, 3, 7, 18, tzinfo=UTC))
    async with wired(Sandbox(clock)) as wire:
        assert (await post(wire, "clock", advance=90))["now"] == "2026-03-07T18:01:30+00:00"
        over_the_change = await post(wire, "clock", until="morning", timezone="America/Los_Angeles")
        assert over_the_change["now"] == "2026-03-08T16:00:00+00:00"
        assert (await post(wire, "clock", until="morning"))["now"] == "2026-03-09T16:00:00+00:00"


async def test_every_change_is_an_event() -> None:
    async with wired() as wire:
        seen: list[dict[str, Any]] = []

        async def watch() -> None:
            async with wire.http.stream("GET", "/sandbox/events") as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data: "):
                        seen.append(json.loads(line.removeprefix("data: ")))
                    elif line.startswith(":"):
                        listening.set()

        listening = asyncio.Event()
        watching = asyncio.create_task(watch())
        await asyncio.wait_for(listening.wait(), 2)
        sent = (await wire.call("sendMessage", chat_id=wire.sam.id, text="Hi")).json()["result"]
        await wire.call("editMessageText", chat_id=wire.sam.id, message_id=sent["message_id"], text="Ho")
        await wire.call("deleteMessage", chat_id=wire.sam.id, message_id=sent["message_id"])
        await wire.call("sendChatAction", chat_id=wire.sam.id, action="typing")
        await wire.call("setMyCommands", commands=[{"command": "stop", "description": "Stop"}])
        wire.sandbox.add_user("Rosa")
        wire.sandbox.block(wire.sam)
        wire.sandbox.advance(1)
        wire.sandbox.clear_faults()
        wire.sandbox.hang_up()
        await watching
        assert [event["type"] for event in seen] == [
            "message",
            "edited",
            "deleted",
            "typing",
            "commands",
            "user",
            "chat",
            "clock",
            "faults",
        ]
        assert seen[1]["message"]["html"] == "Ho"


async def test_restart_calls_whoever_runs_the_bot() -> None:
    restarted = asyncio.Event()

    async def restart() -> None:
        restarted.set()

    sandbox = Sandbox()
    async with serve(sandbox, restart=restart) as url, wired() as wire:
        with sandbox.subscribe() as events:
            answer = await wire.http.post(f"{url}/sandbox/restart")
            assert answer.json() == {"status": "up"}
            assert restarted.is_set()
            assert [(await events.get())["status"] for _ in range(2)] == ["restarting", "up"]  # type: ignore[index]
        assert (await wire.http.get(f"{url}/sandbox/state")).json()["controls"] == {"restart": True}


async def test_a_restart_that_fails_leaves_the_bot_down() -> None:
    async def restart() -> None:
        raise RuntimeError("no")

    async with serve(Sandbox(), restart=restart) as url, wired() as wire:
        assert (await wire.http.post(f"{url}/sandbox/restart")).status_code == 500
        assert (await wire.http.get(f"{url}/sandbox/state")).json()["bot"]["status"] == "down"


def test_who_subscribes_while_the_server_goes_away_is_told_so() -> None:
    sandbox = Sandbox()
    sandbox.hang_up()
    with sandbox.subscribe() as events:
        assert events.get_nowait() is None


async def test_the_chat_page_is_served() -> None:
    async with wired() as wire:
        assert "<html" in (await wire.http.get("/")).text
        assert (await wire.http.get("/page/style.css")).status_code == 200
        assert (await wire.http.get("/page/../server.py")).status_code == 404
        assert (await wire.http.get("/nowhere")).json() == {"error": "Not Found."}


async def test_waiting_in_vain_tells_what_the_bot_did() -> None:
    async with wired() as wire:
        await wire.call("getMe")
        with pytest.raises(TimeoutError, match="getMe"):
            await wire.sandbox.wait_for(lambda: False, timeout=0.01)
