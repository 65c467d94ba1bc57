"""Taking updates in: whatever a Bot API server sends, the rest goes on, in order, and is confirmed after its commit."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from bot import inbound
from bot.receiver import SECRET_HEADER, WEBHOOK_PATH
from bot.sandbox import Fault, FaultKind
from storage.tables import DeadLetterRow
from tests.world import World, world

NOBODY = {"id": 1, "is_bot": False, "first_name": "Nobody"}
STRANGE: list[Any] = [
    {"update_id": 11, "message": {"message_id": "x"}},
    {"update_id": 12, "callback_query": {"id": "1", "from": NOBODY}},
    {"update_id": 13, "message": None},
    {"update_id": 14},
    {"update_id": 15, "a_kind_from_the_future": {"chat": {"id": 1}}},
    {
        "update_id": 16,
        "channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel", "title": "t"}},
    },
    {
        "update_id": 17,
        "message": {"message_id": 1, "date": 1, "chat": {"id": -5, "type": "group", "title": "t"}, "text": "hi"},
    },
    {"update_id": 18, "message": {"message_id": 1, "date": 1, "chat": {"id": 9, "type": "private"}}},
    {"update_id": "nineteen"},
    [],
    "no update at all",
    None,
]


async def dead_letters(here: World) -> int:
    return len(await here.app.store.run(lambda tx: tx.session.exec(select(DeadLetterRow)).all()))


async def test_strange_updates_are_set_aside_and_hold_up_nobody(here: World) -> None:
    sam = here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    await here.app.receiver.take(STRANGE)
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    before = await dead_letters(here)
    assert before >= 1
    await here.app.receiver.take(STRANGE[:2])
    assert await dead_letters(here) == before, "an update that comes again is not set aside twice"


async def test_p6_a_turn_that_fails_pages_a_person_and_the_next_message_is_handled(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    await here.settled()
    await here.app.store.run(lambda tx: tx.session.connection().exec_driver_sql("ALTER TABLE answer RENAME TO gone"))
    sam.taps("Begin")
    await lee.gets("URGENT · A-1", "X0", "could not be handled")
    await sam.gets("988", "911")
    await here.app.store.run(lambda tx: tx.session.connection().exec_driver_sql("ALTER TABLE gone RENAME TO answer"))
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")


async def test_p3_an_update_that_comes_twice_changes_nothing(here: World) -> None:
    here.sandbox.inject(Fault(FaultKind.DUPLICATE_UPDATES, method="getUpdates", times=20))
    sam = here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    sam.taps("Yes, let us begin")
    await sam.gets("What should we call you?")
    await sam.gets_nothing()


async def test_polling_goes_on_after_every_kind_of_failure(here: World) -> None:
    for kind in (FaultKind.SERVER_ERROR, FaultKind.BAD_GATEWAY, FaultKind.CUT):
        here.sandbox.inject(Fault(kind, method="getUpdates", times=1))
    sam = here.patient()
    sam.starts()
    await here.sandbox.wait_for(lambda: sam.unread, timeout=20)
    await sam.gets("Shall we begin?")


async def test_the_webhook_wants_its_secret_and_json(tmp_path: Path) -> None:
    async with (
        world(tmp_path, webhook=True) as here,
        httpx.AsyncClient(base_url=str(here.settings.public_url)) as client,
    ):
        update = {
            "update_id": 5,
            "message": {"message_id": 1, "date": 1, "chat": {"id": 77, "type": "private"}, "text": "hi"},
        }
        assert (await client.post(WEBHOOK_PATH, json=update)).status_code == 403
        wrong = {SECRET_HEADER: "wrong"}
        assert (await client.post(WEBHOOK_PATH, json=update, headers=wrong)).status_code == 403
        [registered] = here.sandbox.calls_of("setWebhook")
        right = {SECRET_HEADER: registered.params["secret_token"]}
        assert (await client.post(WEBHOOK_PATH, content=b"{", headers=right)).status_code == 400
        assert (await client.get(WEBHOOK_PATH)).status_code == 405
        assert (await client.post(WEBHOOK_PATH, json=update, headers=right)).status_code == 200


async def test_p8_words_typed_before_a_question_was_seen_never_answer_it(anyhow: World) -> None:
    sam = anyhow.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    for _ in range(3):
        sam.says("yes, let us begin")
    await sam.gets("What should we call you?")
    await sam.gets_nothing()
    sam.says("Sam Doe")
    await sam.gets("best phone number")


async def test_p8_impatient_words_while_the_bot_was_away_answer_one_question_only(here: World) -> None:
    sam = here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    await here.settled()
    await here.bot.aclose()
    for _ in range(3):
        sam.says("yes, let us begin")
    await here.start()
    await sam.gets("What should we call you?")
    await sam.gets_nothing()


@pytest.mark.parametrize("raw", STRANGE)
def test_the_chat_of_anything_can_be_asked_for(raw: Any) -> None:
    assert isinstance(inbound.chat_of(raw), int)
