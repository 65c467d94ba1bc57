"""An unmodified python-telegram-bot talks to the sandbox: every method, and a whole application either way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    MenuButtonCommands,
    MenuButtonDefault,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.error import BadRequest, Forbidden
from telegram.ext import Application, CallbackQueryHandler, ContextTypes, MessageHandler, filters

from bot.clock import MovableClock
from bot.sandbox import Sandbox, Upload
from bot.sandbox.files import grey_png
from tests.bot.test_sandbox_webhook import receiver
from tests.bot.test_sandbox_wire import Wire, wired

YES, NO = InlineKeyboardButton("Yes", callback_data="y"), InlineKeyboardButton("No", callback_data="n")
YES_NO = InlineKeyboardMarkup([[YES, NO]])


def known_only(message: Message) -> Message:
    """The library puts fields that Telegram does not have into api_kwargs: there must be none."""
    assert not message.api_kwargs
    assert message.from_user
    assert not message.from_user.api_kwargs
    assert not message.chat.api_kwargs
    return message


async def test_a_message_is_sent_edited_and_deleted() -> None:
    async with wired() as wire, wire.bot() as bot:
        sent = known_only(await bot.send_message(wire.sam.id, "<b>Hi</b> Sam", "HTML", reply_markup=YES_NO))
        assert (sent.text, sent.reply_markup) == ("Hi Sam", YES_NO)
        edited = await bot.edit_message_text("Thanks", wire.sam.id, sent.message_id)
        assert isinstance(edited, Message)
        assert (edited.text, edited.reply_markup, edited.message_id) == ("Thanks", None, sent.message_id)
        assert edited.edit_date
        with pytest.raises(BadRequest, match="Message is not modified: specified new message content"):
            await bot.edit_message_text("Thanks", wire.sam.id, sent.message_id)
        marked = await bot.edit_message_reply_markup(wire.sam.id, sent.message_id, reply_markup=YES_NO)
        assert isinstance(marked, Message)
        assert marked.reply_markup == YES_NO
        assert await bot.delete_message(wire.sam.id, sent.message_id)
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await bot.edit_message_text("x", wire.sam.id, sent.message_id)


async def test_a_message_can_be_deleted_for_48_hours() -> None:
    async with wired() as wire, wire.bot() as bot:
        sent = await bot.send_message(wire.sam.id, "Hi")
        wire.sandbox.advance(timedelta(hours=48))
        with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
            await bot.delete_message(wire.sam.id, sent.message_id)


async def test_a_tap_is_answered_once_and_within_150_seconds() -> None:
    async with wired() as wire, wire.bot() as bot:
        sent = await bot.send_message(wire.sam.id, "Sure?", reply_markup=YES_NO)
        with wire.sandbox.subscribe() as events:
            query_id = wire.sandbox.tap(wire.sam, sent.message_id, "n")
            assert await bot.answer_callback_query(query_id, "Noted", show_alert=True)
            event = await events.get()
        assert event == {
            "type": "callback_answer",
            "user_id": wire.sam.id,
            "callback_query_id": query_id,
            "text": "Noted",
            "show_alert": True,
            "url": None,
        }
        with pytest.raises(BadRequest, match="Query is too old and response timeout expired"):
            await bot.answer_callback_query(query_id)
        late = wire.sandbox.tap(wire.sam, sent.message_id, row=0, column=1)
        wire.sandbox.advance(151)
        with pytest.raises(BadRequest, match="Query is too old and response timeout expired"):
            await bot.answer_callback_query(late)


async def test_people_decide_whether_the_bot_may_write() -> None:
    async with wired() as wire, wire.bot() as bot:
        rosa = wire.sandbox.add_user("Rosa", language_code="es")
        with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
            await bot.send_message(rosa.id, "Hola")
        wire.sandbox.block(wire.sam)
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await bot.send_message(wire.sam.id, "Hi")
        wire.sandbox.block(wire.sam, False)
        assert await bot.send_message(wire.sam.id, "Hi")
        updates = await bot.get_updates()
        changes = [update.my_chat_member for update in updates if update.my_chat_member]
        assert [(c.old_chat_member.status, c.new_chat_member.status) for c in changes] == [
            ("member", "kicked"),
            ("kicked", "member"),
        ]


async def test_photos_and_documents_travel_both_ways() -> None:
    async with wired() as wire, wire.bot() as bot:
        picture = grey_png(40, 30)
        photo = known_only(await bot.send_photo(wire.sam.id, picture, caption="<i>Chart</i>", parse_mode="HTML"))
        assert (photo.photo[-1].width, photo.photo[-1].height, photo.caption) == (40, 30, "Chart")
        again = await bot.send_photo(wire.sam.id, photo.photo[-1].file_id)
        assert again.photo == photo.photo
        sent = known_only(await bot.send_document(wire.sam.id, b"a,b\n", filename="course.csv"))
        assert sent.document
        assert (sent.document.file_name, sent.document.file_size) == ("course.csv", 4)
        file = await bot.get_file(sent.document.file_id)
        assert bytes(await file.download_as_bytearray()) == b"a,b\n"
        with pytest.raises(BadRequest, match="Image_process_failed"):
            await bot.send_photo(wire.sam.id, b"not a picture")
        with pytest.raises(BadRequest, match="Type of file mismatch"):
            await bot.send_photo(wire.sam.id, sent.document.file_id)
        wire.sandbox.say(wire.sam, kind="photo", caption="mine", file=Upload("me.png", "image/png", picture))
        update = (await bot.get_updates())[-1]
        assert update.message
        received = await (await update.message.photo[-1].get_file()).download_as_bytearray()
        assert bytes(received) == picture


async def test_the_bots_own_settings_are_kept() -> None:
    async with wired() as wire, wire.bot() as bot:
        chat = BotCommandScopeChat(wire.sam.id)
        await bot.set_my_commands([BotCommand("start", "Begin"), BotCommand("stop", "Stop")])
        await bot.set_my_commands([BotCommand("staff", "Staff")], scope=chat)
        await bot.set_my_commands([BotCommand("start", "Empezar")], language_code="es")
        assert [c.command for c in await bot.get_my_commands()] == ["start", "stop"]
        assert [c.command for c in await bot.get_my_commands(scope=chat)] == ["staff"]
        assert wire.sandbox.state()["commands"][0] == {"command": "start", "description": "Begin"}
        await bot.delete_my_commands(scope=chat)
        assert await bot.get_my_commands(scope=chat) == ()
        await bot.set_my_name("Taperline")
        await bot.set_my_description("Listens.")
        await bot.set_my_short_description("Asks.", language_code="en")
        assert (await bot.get_my_name()).name == "Taperline"
        assert (await bot.get_my_description()).description == "Listens."
        assert (await bot.get_my_short_description("en")).short_description == "Asks."
        await bot.set_chat_menu_button(wire.sam.id, MenuButtonDefault())
        assert isinstance(await bot.get_chat_menu_button(wire.sam.id), MenuButtonDefault)
        assert isinstance(await bot.get_chat_menu_button(), MenuButtonCommands)


async def test_chats_and_groups() -> None:
    async with wired() as wire, wire.bot() as bot:
        lee = wire.sandbox.add_user("Dr. Lee")
        group = wire.sandbox.add_group("On call", [lee, wire.sam])
        assert (await bot.get_chat(wire.sam.id)).first_name == "Sam"
        assert (await bot.get_chat(group.id)).title == "On call"
        assert (await bot.get_chat_member(group.id, lee.id)).status == "creator"
        assert (await bot.get_chat_member(group.id, wire.sam.id)).status == "member"
        wire.sandbox.say(lee, "coffee?", chat=group)
        wire.sandbox.say(lee, "/status@taperline_bot", chat=group)
        sent = await bot.send_message(group.id, "Alert 7", reply_markup=YES_NO)
        wire.sandbox.say(wire.sam, "mine", chat=group, reply_to=sent.message_id)
        wire.sandbox.tap(lee, sent.message_id, "y")
        await bot.leave_chat(group.id)
        with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
            await bot.send_message(group.id, "x")
        updates = await bot.get_updates()
        assert [u.message.text for u in updates if u.message] == ["/status@taperline_bot", "mine"]
        assert [u.callback_query.from_user.id for u in updates if u.callback_query] == [lee.id]
        assert [u.my_chat_member.new_chat_member.status for u in updates if u.my_chat_member] == ["member", "left"]


async def test_a_reply_keyboard_is_shown_to_the_person_only() -> None:
    async with wired() as wire, wire.bot() as bot:
        keyboard = ReplyKeyboardMarkup([[KeyboardButton("Send my number", request_contact=True)]])
        sent = await bot.send_message(wire.sam.id, "How can we reach you?", reply_markup=keyboard)
        assert sent.reply_markup is None
        assert wire.sandbox.last_message(wire.sam)["reply_markup"]["keyboard"][0][0]["request_contact"]
        await bot.send_message(wire.sam.id, "Thanks", reply_markup=ReplyKeyboardRemove())
        assert wire.sandbox.last_message(wire.sam)["reply_markup"] == {"remove_keyboard": True}


async def test_replies_and_dates_are_telegrams() -> None:
    clock = MovableClock(frozen_at=datetime(2026, 3, 2, 17, tzinfo=UTC))
    async with wired(Sandbox(clock)) as wire, wire.bot() as bot:
        said = wire.sandbox.say(wire.sam, "Hello")
        sent = await bot.send_message(wire.sam.id, "Hi", reply_to_message_id=said["message_id"])
        assert sent.reply_to_message
        assert sent.reply_to_message.text == "Hello"
        assert sent.date == clock.now()
        unanswered = await bot.send_message(wire.sam.id, "Hi", reply_to_message_id=1, allow_sending_without_reply=True)
        assert unanswered.reply_to_message is None
        assert await bot.send_chat_action(wire.sam.id, "typing")
        assert wire.sandbox.state()["chats"][0]["typing"]
        wire.sandbox.advance(6)
        assert not wire.sandbox.state()["chats"][0]["typing"]


async def _echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    await update.message.reply_text(f"You said {update.message.text}", reply_markup=YES_NO)


async def _tapped(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.callback_query
    await update.callback_query.answer("Noted")
    await update.callback_query.edit_message_text("You tapped")


def echo_bot(wire: Wire) -> "Application[Bot, ContextTypes.DEFAULT_TYPE, dict, dict, dict, None]":  # type: ignore[type-arg]
    application = Application.builder().bot(wire.bot()).build()
    application.add_handler(MessageHandler(filters.TEXT, _echo))
    application.add_handler(CallbackQueryHandler(_tapped))
    return application  # type: ignore[return-value]


async def converse(wire: Wire) -> None:
    sandbox = wire.sandbox
    sandbox.say(wire.sam, "hello")
    await sandbox.wait_for(lambda: sandbox.last_message(wire.sam)["text"] == "You said hello")
    message_id = sandbox.last_message(wire.sam)["message_id"]
    sandbox.tap(wire.sam, message_id, "y")
    await sandbox.wait_for(lambda: sandbox.last_message(wire.sam)["text"] == "You tapped")


async def test_an_application_polls() -> None:
    async with wired() as wire:
        application = echo_bot(wire)
        async with application:
            assert application.updater
            await application.updater.start_polling(timeout=5)
            await application.start()
            await converse(wire)
            await application.updater.stop()
            await application.stop()


async def test_an_application_is_pushed_updates() -> None:
    async with wired() as wire:
        application = echo_bot(wire)
        received: list[tuple[str | None, object]] = []

        async def hook(request: Request) -> Response:
            body = await request.json()
            received.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), body["update_id"]))
            await application.update_queue.put(Update.de_json(body, application.bot))
            return Response()

        async with application, receiver(hook) as url:
            await application.start()
            await application.bot.set_webhook(url, secret_token="s3cret")
            await converse(wire)
            await application.stop()
        assert [secret for secret, _ in received] == ["s3cret", "s3cret"]


async def test_a_request_can_be_answered_while_a_poll_waits() -> None:
    async with wired() as wire, wire.bot() as bot:
        poll = asyncio.create_task(bot.get_updates(timeout=30))
        await wire.sandbox.wait_for(lambda: any(not call.done for call in wire.sandbox.calls))
        await bot.send_message(wire.sam.id, "Hi")
        wire.sandbox.say(wire.sam, "Hello")
        assert [update.message.text for update in await poll if update.message] == ["Hello"]
