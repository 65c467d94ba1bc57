"""The state of a sandbox: bot, people, chats, messages, updates; who is told of changes; and its file."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.clock import MovableClock
from bot.sandbox import entities
from bot.sandbox.errors import WorldFileError
from bot.sandbox.faults import Faults
from bot.sandbox.files import Files
from bot.sandbox.records import Call, Chat, Json, Person, Role, StoredFile, Tap, Webhook
from bot.sandbox.store import WorldFile, read_world
from bot.sandbox.updates import Pending, Updates

TOKEN = "7700000001:AAsandboxSANDBOXsandboxSANDBOXsandb"  # noqa: S105 - opens nothing but a sandbox
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_FIRST_PERSON = 7_100_000_001
_FIRST_GROUP = -4_100_000_001
_CALLS_KEPT = 10_000

Found = TypeVar("Found")


class World:
    """Everything Telegram's servers would know about one bot.

    `path` keeps the world in a file (uploaded files in a folder beside it); without it the world lives in memory.
    `strict` refuses what Telegram only ignores: unknown parameters. `webhook_backoff` is the first wait, in seconds of
    real time, after a failed webhook delivery. Raises WorldFileError when `path` holds no world.
    """

    def __init__(
        self,
        clock: MovableClock | None = None,
        path: Path | None = None,
        *,
        token: str = TOKEN,
        username: str = "taperline_bot",
        first_name: str = "Taperline",
        strict: bool = True,
        webhook_backoff: float = 1.0,
    ) -> None:
        self.clock = clock or MovableClock()
        self.token = token
        self.strict = strict
        self.webhook_backoff = webhook_backoff
        self.bot: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": first_name,
            "username": username,
        }
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.history: dict[int, Json] = {}
        self.reply_keyboards: dict[int, Json] = {}
        self.taps: dict[str, Tap] = {}
        self.commands: dict[str, list[Json]] = {}
        self.profile: dict[str, str] = {}
        self.menu_button: Json = {"type": "commands"}
        self.webhook: Webhook | None = None
        self.faults = Faults(self.faults_changed)
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.files = Files(path.with_suffix(".files") if path else None)
        first_id = int((self.clock.now() - _EPOCH).total_seconds())
        self.next_message_id = first_id
        self.updates = Updates(self.clock, self.faults, first_id)
        self.hung_up = False
        self._waiting: set[asyncio.Event] = set()
        self._pauses: set[asyncio.Event] = set()
        self._listeners: set[asyncio.Queue[Json | None]] = set()
        self._file: WorldFile | None = None
        if path:
            saved = read_world(path)
            if saved:
                self._restore(saved, path)
            self._file = WorldFile(path, self._describe)

    # Messages

    def new_message(self, chat: Chat, sender: Json, content: Json) -> Json:
        """Add a message to a chat's history and return it as Telegram would."""
        message_id = self.next_message_id
        self.next_message_id += 1
        message = {
            "message_id": message_id,
            "from": sender,
            "chat": self.chat_json(chat),
            "date": self.timestamp(),
            **content,
        }
        self.history[message_id] = message
        return message

    def message(self, chat_id: int, message_id: int) -> Json | None:
        """A message of a chat that has not been deleted."""
        message = self.history.get(message_id)
        return message if message and message["chat"]["id"] == chat_id else None

    def delete(self, message: Json) -> None:
        """Remove a message for everyone."""
        del self.history[message["message_id"]]
        self.reply_keyboards.pop(message["message_id"], None)
        self.tell({"type": "deleted", "chat_id": message["chat"]["id"], "message_id": message["message_id"]})

    def quoted(self, message: Json) -> Json:
        """A message as another one's reply_to_message: without its own."""
        return {name: value for name, value in message.items() if name != "reply_to_message"}

    def chat_json(self, chat: Chat) -> Json:
        """Telegram's Chat."""
        if chat.type == "group":
            return {"id": chat.id, "title": chat.title, "type": "group"}
        user = self.people[chat.id].as_user()
        names: Json = {name: user[name] for name in ("first_name", "last_name", "username") if name in user}
        return {"id": chat.id, **names, "type": "private"}

    def view(self, message: Json) -> Json:
        """A message as the chat page shows it: with safe HTML, file addresses and the bot's reply keyboard."""
        shown = {**message, "html": ""}
        for text, found in (("text", "entities"), ("caption", "caption_entities")):
            if text in message:
                shown["html"] = entities.to_html(message[text], message.get(found, []))
        if files := self.files.in_message(message):
            shown["files"] = [
                {"url": f"/sandbox/files/{file.path}", "name": file.name, "mime": file.mime, "size": file.size}
                for file in files
            ]
        if keyboard := self.reply_keyboards.get(message["message_id"]):
            shown["reply_markup"] = keyboard
        return shown

    def messages(self, chat: Person | Chat | int | None = None) -> list[Json]:
        """What the chat page shows of a chat, or of all chats, oldest first."""
        chat_id = getattr(chat, "id", chat)
        return [self.view(m) for m in self.history.values() if chat_id is None or m["chat"]["id"] == chat_id]

    def last_message(self, chat: Person | Chat | int) -> Json:
        """The newest message of a chat. Raises IndexError in an empty chat."""
        return self.messages(chat)[-1]

    def find_user(self, user_id: int) -> Json | None:
        """A person, or the bot, as Telegram's User."""
        if user_id == self.bot["id"]:
            return self.bot
        person = self.people.get(user_id)
        return person.as_user() if person else None

    def chat_state(self, chat: Chat) -> Json:
        """A chat as the chat page sees it."""
        title = {"title": chat.title} if chat.title else {}
        typing = chat.typing_until > self.clock.now().timestamp()
        rest = {"members": chat.members, "blocked": chat.blocked, "typing": typing}
        return {"id": chat.id, "type": chat.type, **title, **rest}

    def state(self) -> Json:
        """The whole world, for a fresh chat page."""
        return {
            "now": self.clock.now().isoformat(),
            "bot": {name: self.bot[name] for name in ("id", "username", "first_name")},
            "users": [person.as_json() for person in self.people.values()],
            "chats": [self.chat_state(chat) for chat in self.chats.values()],
            "messages": self.messages(),
            "commands": self.commands.get("default", []),
            "faults": [fault.as_json() for fault in self.faults.waiting],
            "webhook": self.webhook.url if self.webhook else None,
        }

    def bot_user(self) -> Json:
        """The bot as the sender of a message."""
        return dict(self.bot)

    def iso(self, seconds: float) -> str:
        """An instant in seconds since 1970 as the chat page reads it."""
        return datetime.fromtimestamp(seconds, UTC).isoformat()

    def timestamp(self) -> int:
        """Now, in whole seconds since 1970, as Telegram dates things."""
        return int(self.clock.now().timestamp())

    # Who wants to know

    def tell(self, event: Json) -> None:
        """Something changed: wake whoever waits, send `event` to the chat pages, have the world written."""
        for queue in self._listeners:
            queue.put_nowait(event)
        self.changed()

    def faults_changed(self) -> None:
        """Tell the chat pages which faults are left."""
        self.tell({"type": "faults", "faults": [fault.as_json() for fault in self.faults.waiting]})

    def changed(self) -> None:
        """Something changed that no chat page shows."""
        self.wake()
        if self._file:
            self._file.soon()

    def wake(self) -> None:
        """Something happened that leaves the world as it was, such as a request of the bot."""
        for event in self._waiting:
            event.set()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Json | None]]:
        """A queue of the events that chat pages get; None means that the server goes away."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners.add(queue)
        if self.hung_up:
            queue.put_nowait(None)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    @contextmanager
    def woken_by_changes(self, event: asyncio.Event) -> Iterator[None]:
        """Set `event` after every change."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)

    async def until(self, predicate: Callable[[], Found]) -> Found:
        """The first true value of `predicate`, asked again after every change."""
        woken = asyncio.Event()
        with self.woken_by_changes(woken):
            while not (found := predicate()):
                woken.clear()
                await woken.wait()
        return found

    async def wait_for(self, predicate: Callable[[], Found], timeout: float = 5.0) -> Found:  # noqa: ASYNC109
        """As `until`; TimeoutError after `timeout` seconds of real time names the bot's last requests."""
        try:
            async with asyncio.timeout(timeout):
                return await self.until(predicate)
        except TimeoutError:
            lately = "\n".join(f"  {c.method} {c.params} -> {c.error or c.result}" for c in list(self.calls)[-8:])
            raise TimeoutError(f"it did not happen within {timeout} s; the bot's last requests:\n{lately}") from None

    def calls_of(self, method: str, chat: Person | Chat | int | None = None) -> list[Call]:
        """The requests of one method that went well, oldest first, in one chat or in all."""
        chat_id = getattr(chat, "id", chat)
        return [
            call
            for call in self.calls
            if call.method == method
            and call.done
            and call.error is None
            and chat_id in (None, call.params.get("chat_id"))
        ]

    async def pause(self, seconds: float) -> None:
        """Wait in real time, but not longer than the server lives."""
        ended = asyncio.Event()
        if self.hung_up:
            return
        self._pauses.add(ended)
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            self._pauses.discard(ended)

    def pick_up(self) -> None:
        """A server begins to serve this world."""
        self.hung_up = False

    def hang_up(self) -> None:
        """The server goes away: end the long poll, slow answers and the chat pages' streams, and write the world."""
        self.hung_up = True
        self.updates.wake()
        for event in self._pauses:
            event.set()
        for queue in self._listeners:
            queue.put_nowait(None)
        if self._file:
            self._file.now()

    # The file

    def _describe(self) -> Json:
        return {
            "now": self.clock.now().timestamp(),
            "written": datetime.now(UTC).timestamp(),
            "bot": self.bot["id"],
            "people": [asdict(person) for person in self.people.values()],
            "chats": [asdict(chat) for chat in self.chats.values()],
            "messages": list(self.history.values()),
            "reply_keyboards": list(self.reply_keyboards.items()),
            "taps": [asdict(tap) for tap in self.taps.values()],
            "commands": self.commands,
            "profile": self.profile,
            "menu_button": self.menu_button,
            "webhook": asdict(self.webhook) if self.webhook else None,
            "files": [asdict(file) for file in self.files.stored.values()],
            "updates": [asdict(pending) for pending in self.updates.pending],
            "allowed_updates": self.updates.allowed,
            "next_message_id": self.next_message_id,
            "next_update_id": self.updates.next_id,
        }

    def _restore(self, saved: Json, path: Path) -> None:
        if saved.get("bot", self.bot["id"]) != self.bot["id"]:
            raise WorldFileError(f"{path} holds the world of another bot; delete it to begin a new one")
        try:
            for fields in saved["people"]:
                person = Person(**{**fields, "role": Role(fields["role"])})
                self.people[person.id] = person
            self.chats = {fields["id"]: Chat(**fields) for fields in saved["chats"]}
            self.history = {message["message_id"]: message for message in saved["messages"]}
            self.reply_keyboards = dict(saved["reply_keyboards"])
            self.taps = {fields["id"]: Tap(**fields) for fields in saved["taps"]}
            self.commands, self.profile = saved["commands"], saved["profile"]
            self.menu_button = saved["menu_button"]
            self.webhook = Webhook(**saved["webhook"]) if saved["webhook"] else None
            self.files.stored = {fields["file_id"]: StoredFile(**fields) for fields in saved["files"]}
            self.updates.pending = [Pending(**fields) for fields in saved["updates"]]
            self.updates.allowed = saved["allowed_updates"]
            self.next_message_id, self.updates.next_id = saved["next_message_id"], saved["next_update_id"]
            self._catch_up(saved["now"], saved["written"])
        except (KeyError, TypeError, ValueError) as error:
            raise WorldFileError(f"{path} is a damaged sandbox world; delete it to begin a new one") from error

    def _catch_up(self, now: float, written: float) -> None:
        """Set the clock to where the saved world's clock would be: time never goes back."""
        machine = datetime.now(UTC)
        running = abs(self.clock.now() - machine) < timedelta(seconds=1)
        ahead = machine.timestamp() - written if running else 0.0
        target = datetime.fromtimestamp(now + ahead, UTC)
        if target > self.clock.now():
            self.clock.advance(target - self.clock.now())


def new_id() -> str:
    """An identifier in the form of Telegram's callback queries and chat instances: a long number."""
    return str(secrets.randbelow(9 * 10**17) + 10**17)


def next_person_id(world: World) -> int:
    """The id of the next person: the same in every new world, so that Sam stays Sam."""
    return max(world.people, default=_FIRST_PERSON - 1) + 1


def next_group_id(world: World) -> int:
    """The id of the next group, negative."""
    return min([id_ for id_ in world.chats if id_ < 0], default=_FIRST_GROUP + 1) - 1
