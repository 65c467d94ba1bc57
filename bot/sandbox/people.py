"""The human side of the sandbox: what people in Telegram do."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from bot.clock import MovableClock
from bot.sandbox import entities
from bot.sandbox.errors import RefusalError
from bot.sandbox.faults import Fault
from bot.sandbox.files import document, grey_png, photo_sizes, picture_size
from bot.sandbox.records import Chat, Json, Person, Role, Tap, Upload
from bot.sandbox.world import World, new_id, next_group_id, next_person_id

TEXT_LIMIT = 4096
TAP_SECONDS = 150
_EDITABLE_SECONDS = 48 * 3600
_MORNING = time(9)


class Sandbox(World):
    """A world with people in it. Whatever is impossible in Telegram's apps raises RefusalError."""

    @classmethod
    def with_default_people(cls, clock: MovableClock | None = None, path: Path | None = None) -> Self:
        """A world with two patients and two clinicians, unless its file already has people."""
        sandbox = cls(clock, path)
        if not sandbox.people:
            taper = "takes clonazepam as prescribed, wants to come off"
            sandbox.add_user("Sam", about=taper)
            sandbox.add_user("Rosa", language_code="es", about="takes lorazepam at night, speaks Spanish")
            sandbox.add_user("Dr. Lee", username="dr_lee", role=Role.CLINICIAN, about="physician")
            sandbox.add_user("Jordan", username="jordan_lmft", role=Role.CLINICIAN, about="therapist")
        return sandbox

    def add_user(
        self,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        language_code: str = "en",
        role: Role = Role.PATIENT,
        about: str = "",
    ) -> Person:
        """Somebody gets a Telegram account, and a private chat with the bot that they have not started yet."""
        person = Person(next_person_id(self), first_name, last_name, username, language_code, role, about)
        self.people[person.id] = person
        chat = self.chats[person.id] = Chat(person.id, "private", [person.id], new_id())
        self.tell({"type": "user", "user": person.as_json(), "chat": self.chat_state(chat)})
        return person

    def add_group(self, title: str, members: list[Person | int]) -> Chat:
        """A group with these people and the bot in it."""
        people = [self.person(member) for member in members]
        if not people:
            raise RefusalError(400, "A group needs at least one member.")
        chat = Chat(
            next_group_id(self), "group", [p.id for p in people] + [self.bot["id"]], new_id(), title, started=True
        )
        self.chats[chat.id] = chat
        self.bot_membership(chat, people[0].as_user(), "left", "member")
        return chat

    def person(self, user: Person | int) -> Person:
        """The person meant; RefusalError 404 when there is none."""
        found = self.people.get(user.id if isinstance(user, Person) else user)
        if found is None:
            raise RefusalError(404, f"There is no person {user}.")
        return found

    def chat(self, chat: Person | Chat | int) -> Chat:
        """The chat meant (a person's private chat); RefusalError 404 when there is none."""
        found = self.chats.get(chat if isinstance(chat, int) else chat.id)
        if found is None:
            raise RefusalError(404, f"There is no chat {chat}.")
        return found

    def say(
        self,
        user: Person | int,
        text: str | None = None,
        *,
        chat: Chat | int | None = None,
        kind: str | None = None,
        caption: str | None = None,
        reply_to: int | None = None,
        forward_from: str | None = None,
        file: Upload | None = None,
        raw: bool = False,
    ) -> Json:
        """Send a message to the bot or to a group; returns the (last) message.

        `kind` sends a sticker, voice, photo, document, location or contact instead of text; `file` a real photo or
        document. A text over 4,096 characters is split as Telegram's apps do, unless `raw`.
        """
        person = self.person(user)
        place = self.chat(person if chat is None else chat)
        self._check_may_send(person, place)
        base: Json = {}
        if reply_to is not None:
            original = self.message(place.id, reply_to)
            if original is None:
                raise RefusalError(404, f"There is no message {reply_to} to reply to.")
            base["reply_to_message"] = self.quoted(original)
        if forward_from is not None:
            base["forward_origin"] = {
                "type": "hidden_user",
                "date": self.timestamp(),
                "sender_user_name": forward_from,
            }
        if kind or file:
            contents = [self._media(person, kind or "document", file, caption)]
        else:
            contents = [{"text": part, **_found(part)} for part in _parts(text or "", raw=raw)]
            if not contents:
                raise RefusalError(400, "A message needs a text.")
        for content in contents:
            message = self._receive(person, place, {**base, **content})
        return self.view(message)

    def start(self, user: Person | int, payload: str = "") -> Json:
        """Open the bot's link t.me/<bot>?start=<payload> and press Start."""
        return self.say(user, f"/start {payload}".strip())

    def edit(self, user: Person | int, message_id: int, text: str) -> Json:
        """Change one's own message (its caption, if it has one)."""
        person = self.person(user)
        message = self.history.get(message_id)
        if message is None:
            raise RefusalError(404, f"There is no message {message_id}.")
        if message["from"]["id"] != person.id:
            raise RefusalError(403, f"{person.first_name} can only edit their own messages.")
        if self.timestamp() - message["date"] > _EDITABLE_SECONDS:
            raise RefusalError(409, "The message is older than 48 hours and can't be edited any more.")
        field = next((field for field in ("text", "caption") if field in message), None)
        if field is None or "forward_origin" in message:
            raise RefusalError(409, "The message has no text that can be edited.")
        stripped = text.strip()
        if not stripped:
            raise RefusalError(400, "A message needs a text.")
        where = "entities" if field == "text" else "caption_entities"
        message.pop(where, None)
        message |= {field: stripped, **_found(stripped, where), "edit_date": self.timestamp()}
        chat = self.chats[message["chat"]["id"]]
        if self._bot_sees(chat, message):
            self.updates.put("edited_message", {**message}, chat.id)
        self.tell({"type": "edited", "message": self.view(message)})
        return self.view(message)

    def tap(
        self,
        user: Person | int,
        message_id: int,
        data: str | None = None,
        *,
        row: int | None = None,
        column: int = 0,
        forged: bool = False,
    ) -> str:
        """Press a button under a message, named by its data or by row and column; returns the callback_query_id.

        `forged` sends data that is on no button, as a changed Telegram app could.
        """
        person = self.person(user)
        message = self.history.get(message_id)
        if message is None:
            raise RefusalError(404, f"There is no message {message_id}.")
        chat = self.chats[message["chat"]["id"]]
        self._check_may_send(person, chat)
        button = self._button(message, data, row, column)
        if button is None and not (forged and data):
            wanted = data if row is None else f"in row {row}, column {column}"
            raise RefusalError(404, f"The message has no button {wanted}.")
        pressed = button["callback_data"] if button else data
        tap = Tap(new_id(), person.id, self.clock.now().timestamp())
        self.taps = {t.id: t for t in self.taps.values() if tap.at - t.at <= TAP_SECONDS} | {tap.id: tap}
        query = {
            "id": tap.id,
            "from": person.as_user(),
            "chat_instance": chat.instance,
            "message": {**message},
            "data": pressed,
        }
        self.updates.put("callback_query", query, chat.id)
        self.changed()
        return tap.id

    def block(self, user: Person | int, blocked: bool = True) -> None:
        """Block the bot, or unblock it."""
        person = self.person(user)
        chat = self.chats[person.id]
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        self.bot_membership(chat, person.as_user(), *(("member", "kicked") if blocked else ("kicked", "member")))

    def advance(self, by: timedelta | float) -> datetime:
        """Move the clock forward, by a timedelta or by seconds; returns what time it is then."""
        self.clock.advance(by if isinstance(by, timedelta) else timedelta(seconds=by))
        self.updates.waiting()
        self.tell({"type": "clock", "now": self.clock.now().isoformat()})
        return self.clock.now()

    def advance_to_morning(self, timezone: str = "America/Los_Angeles") -> datetime:
        """Move the clock to the next 09:00 in a time zone."""
        now = self.clock.now().astimezone(ZoneInfo(timezone))
        morning = datetime.combine(now.date(), _MORNING, now.tzinfo)
        if morning <= now:
            morning = datetime.combine(now.date() + timedelta(days=1), _MORNING, now.tzinfo)
        return self.advance(timedelta(seconds=morning.timestamp() - now.timestamp()))

    def inject(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self.faults.waiting.append(fault)
        self.faults_changed()

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self.faults.waiting.clear()
        self.faults_changed()

    def bot_membership(self, chat: Chat, by: Json, before: str, after: str) -> None:
        """The bot's place in a chat changed: a my_chat_member update."""
        change = {
            "chat": self.chat_json(chat),
            "from": by,
            "date": self.timestamp(),
            "old_chat_member": self.membership(before),
            "new_chat_member": self.membership(after),
        }
        self.updates.put("my_chat_member", change, chat.id)
        self.tell({"type": "chat", "chat": self.chat_state(chat)})

    def membership(self, status: str, user: Json | None = None) -> Json:
        """Telegram's ChatMember: of the bot, or of `user`."""
        until = {"until_date": 0} if status == "kicked" else {}
        return {"user": user or self.bot, "status": status, **until}

    def _check_may_send(self, person: Person, chat: Chat) -> None:
        if person.id not in chat.members:
            raise RefusalError(403, f"{person.first_name} is not in this chat.")
        if chat.blocked:
            raise RefusalError(409, f"{person.first_name} has blocked the bot; unblock it first.")

    def _receive(self, person: Person, chat: Chat, content: Json) -> Json:
        message = self.new_message(chat, person.as_user(), content)
        chat.started = True
        if self._bot_sees(chat, message):
            self.updates.put("message", {**message}, chat.id)
        self.tell({"type": "message", "message": self.view(message)})
        return message

    def _bot_sees(self, chat: Chat, message: Json) -> bool:
        """In a group a bot sees commands, mentions of itself and replies to itself, as with privacy mode."""
        if chat.type == "private":
            return True
        if self.bot["id"] not in chat.members:
            return False
        text = message.get("text") or message.get("caption") or ""
        replied = message.get("reply_to_message", {}).get("from", {}).get("id") == self.bot["id"]
        return replied or text.startswith("/") or f"@{self.bot['username']}".lower() in text.lower()

    def _button(self, message: Json, data: str | None, row: int | None, column: int) -> Json | None:
        rows: list[list[Json]] = message.get("reply_markup", {}).get("inline_keyboard", [])
        if row is not None:
            chosen = rows[row][column] if 0 <= row < len(rows) and 0 <= column < len(rows[row]) else None
            return chosen if chosen and "callback_data" in chosen else None
        return next((b for buttons in rows for b in buttons if data and b.get("callback_data") == data), None)

    def _media(self, person: Person, kind: str, file: Upload | None, caption: str | None) -> Json:
        captioned = {"caption": caption, **_found(caption, "caption_entities")} if caption else {}
        match kind:
            case "photo":
                upload = file or Upload("photo.png", "image/png", grey_png())
                if picture_size(upload.content) is None:
                    raise RefusalError(400, "A photo must be a PNG, GIF or JPEG file.")
                return {"photo": photo_sizes(self.files.keep(upload, "photos")), **captioned}
            case "document":
                upload = file or Upload("notes.txt", "text/plain", b"A note from the sandbox.\n")
                return {"document": document(self.files.keep(upload, "documents")), **captioned}
            case "voice":
                upload = file or Upload("voice.ogg", "audio/ogg", b"OggS")
                kept = document(self.files.keep(upload, "voice"))
                kept.pop("file_name")
                return {"voice": {**kept, "duration": 4}, **captioned}
            case "sticker":
                upload = file or Upload("sticker.png", "image/png", grey_png(512, 512))
                kept = document(self.files.keep(upload, "stickers"))
                ids = {name: kept[name] for name in ("file_id", "file_unique_id", "file_size")}
                looks = {"type": "regular", "width": 512, "height": 512, "emoji": "🙂"}
                return {"sticker": {**ids, **looks, "is_animated": False, "is_video": False}}
            case "location":
                return {"location": {"latitude": 34.0195, "longitude": -118.4912}}
            case "contact":
                names = {name: value for name, value in person.as_user().items() if name in ("first_name", "last_name")}
                return {"contact": {"phone_number": "+13105550100", **names, "user_id": person.id}}
            case _:
                raise RefusalError(400, f'A message can\'t be of the kind "{kind}".')


def _found(text: str, where: str = "entities") -> Json:
    spans = entities.found(text)
    return {where: spans} if spans else {}


def _parts(text: str, *, raw: bool) -> list[str]:
    """A text as Telegram's apps send it: trimmed, and cut at white space into messages of up to 4,096 characters."""
    rest = text.strip()
    parts = []
    while not raw and len(rest) > TEXT_LIMIT:
        cut = max(rest.rfind("\n", 1, TEXT_LIMIT), rest.rfind(" ", 1, TEXT_LIMIT))
        cut = cut if cut > 0 else TEXT_LIMIT
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts
