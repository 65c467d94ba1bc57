"""telegram.Update -> Event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telegram import Bot, CallbackQuery, ChatMember, Message, Update
from telegram.constants import ChatType

from bot.buttons import read_button
from flows.events import Asked, ChannelLost, Command, Event, Medium, Said, Sent

COMMANDS = {
    "start": Command.START,
    "help": Command.HELP,
    "crisis": Command.HELP,
    "person": Command.PERSON,
    "visit": Command.VISIT,
    "stop": Command.STOP_NOW,
    "pause": Command.PAUSE,
    "review": Command.REVIEW,
    "learn": Command.LEARN,
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update, as both patients and staff may mean it. `event` is None when it means nothing to a patient."""

    update_id: int
    chat_id: int
    event: Event | None
    text: str = ""
    data: str = ""
    callback_id: str | None = None
    message_id: int | None = None


def chat_of(raw: Any) -> int:
    """The chat of a raw update, to keep its order; 0 when it has none."""
    for kind in ("message", "edited_message", "my_chat_member"):
        if isinstance(raw, Mapping) and isinstance(raw.get(kind), Mapping):
            return int(raw[kind].get("chat", {}).get("id", 0))
    query = raw.get("callback_query") if isinstance(raw, Mapping) else None
    return int((query.get("message") or {}).get("chat", {}).get("id", 0)) if isinstance(query, Mapping) else 0


def read(raw: Mapping[str, Any], bot: Bot) -> Incoming | None:
    """What a raw update says; None for groups, channels and kinds that are not ours.

    Raises whatever python-telegram-bot raises when the update is not one, and no plain text of a private chat either.
    """
    try:
        update = Update.de_json(dict(raw), bot)
    except Exception:
        incoming = _plain_text(raw)
        if incoming is None:
            raise
        return incoming
    if update.callback_query is not None:
        return _tap(update.update_id, update.callback_query)
    if update.effective_chat is None or update.effective_chat.type != ChatType.PRIVATE:
        return None
    if update.my_chat_member is not None:
        lost = update.my_chat_member.new_chat_member.status in {ChatMember.BANNED, ChatMember.LEFT}
        return Incoming(update.update_id, update.effective_chat.id, ChannelLost() if lost else None)
    message, edited = update.message or update.edited_message, update.edited_message is not None
    if message is None:
        return None
    text = message.text or message.caption or ""
    event = _event(message, text, edited)
    return Incoming(update.update_id, message.chat.id, event, text, message_id=message.message_id)


def _plain_text(raw: Mapping[str, Any]) -> Incoming | None:
    """The words of a message that is otherwise broken: they may be a cry for help."""
    match raw:
        case {"update_id": int(update_id), "message": {"chat": {"id": int(chat_id), "type": "private"}, **message}}:
            match message:
                case {"text": str(text)}:
                    return Incoming(update_id, chat_id, Said(text), text)
                case {"caption": str(text)}:
                    return Incoming(update_id, chat_id, Sent(Medium.OTHER, text), text)
    return None


def _event(message: Message, text: str, edited: bool) -> Event | None:
    if message.text is None:
        return Sent(_medium(message), text) if _has_content(message) else None
    forwarded = message.forward_origin is not None
    if text.startswith("/") and not forwarded and not edited:
        command = COMMANDS.get(text[1:].split(maxsplit=1)[0].split("@", maxsplit=1)[0].lower() if len(text) > 1 else "")
        if command is not None:
            return Asked(command)
    return Said(text, forwarded=forwarded, edited=edited)


def _has_content(message: Message) -> bool:
    """Whether somebody sent something; a pinned message or a new title is a note of Telegram's own."""
    return message.effective_attachment is not None


def _medium(message: Message) -> Medium:
    if message.sticker:
        return Medium.STICKER
    if message.voice or message.audio or message.video_note:
        return Medium.VOICE
    if message.photo or message.video or message.animation:
        return Medium.PICTURE
    return Medium.FILE if message.document else Medium.OTHER


def _tap(update_id: int, query: CallbackQuery) -> Incoming | None:
    if query.message is None or query.message.chat.type != ChatType.PRIVATE:
        return None
    event = read_button(query.data or "")
    message = query.message
    return Incoming(update_id, message.chat.id, event, "", query.data or "", query.id, message.message_id)
