"""A conversation in the terminal: the real turn on a throw-away database, with a phone that is text.

Its transcript is a golden conversation: what was done stands behind `>`, what came back stands indented.

    > [Begin]          a tap on the newest button whose words begin so; `[Begin] #2` taps it on message 2
    > several days     typed words
    > +24h             time goes by; what was due in it happens
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import inbound
from bot.lifeline import Lifeline
from bot.render import Renderer
from bot.sandbox.markup import parse_html
from bot.turn import Turn
from bot.wire import Wire
from flows.care import Person
from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.errors import TaperlineError
from flows.escalation import Tier
from flows.events import Sought
from flows.questionnaire import Questionnaire
from flows.scores import scores
from flows.values import spoken
from storage import alerts, conversations, outbox, patients, timers
from storage.cipher import Keyring
from storage.database import Store, Transaction, open_store
from storage.outbox import Letter

CHAT = 1
NAME = "chat"
"""The name under which a questionnaire from a file stands in the catalogue."""

ECHO = ("", "> {}", "")
"""How what was done stands in the transcript."""

HOW = "Type an answer, or the words of a button in brackets: [Yes]. +24h lets a day go by. Ctrl-D ends it."


class NoSuchButtonError(TaperlineError):
    """There is no such button to tap."""


@dataclass
class Message:
    """A message of the bot as it stands now, and its buttons: rows of (words, callback data)."""

    text: str
    buttons: Sequence[Sequence[tuple[str, str]]] = ()


@dataclass
class Chat:
    """One patient's phone, and what it shows."""

    store: Store
    turn: Turn
    wire: Wire
    now: datetime
    messages: dict[int, Message] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """The transcript so far."""
    _updates: int = 0
    _messages: int = 0
    _told: int = 0

    def seek(self, name: str) -> None:
        """A clinician asks this patient to answer a questionnaire of the catalogue."""
        zone = self.turn.catalogue.clinic.zone

        def work(tx: Transaction) -> None:
            row = patients.by_chat(tx, CHAT) or patients.add(tx, CHAT, Person(zone=zone), now=self.now)
            self.turn.patient(tx, row, Sought(name), now=self.now)

        self._do(work)

    def does(self, line: str) -> None:
        """One thing that the patient does, or time that goes by. Raises NoSuchButtonError."""
        self.lines += [part.format(line) for part in ECHO]
        passed = re.fullmatch(r"\+(\d{1,4})(m|h|d)", line.strip())
        tapped = re.fullmatch(r"\[(.*)\](?: #(\d+))?", line.strip())
        if passed:
            self._wait(timedelta(minutes=int(passed[1]) * {"m": 1, "h": 60, "d": 1440}[passed[2]]))
        elif tapped:
            self._update(self._tap(tapped[1], int(tapped[2]) if tapped[2] else None))
        else:
            self._messages += 1
            self._update({"message": self._message(text=line)})

    @property
    def conversations(self) -> Sequence[Conversation]:
        """The patient's conversations as they are kept, the oldest first."""

        def work(tx: Transaction) -> Sequence[Conversation]:
            row = patients.by_chat(tx, CHAT)
            return [] if row is None else [found for found, _ in conversations.of_patient(tx, row.id)]

        return self.store.submit(work).result()

    @property
    def summary(self) -> Sequence[str]:
        """How each conversation stands, and what it scores."""
        found = []
        for held in self.conversations:
            found.append(f"= {held.questionnaire.title or held.purpose}: {held.stage}")
            for score in scores(held.questionnaire, held.facts):
                of = "" if score.most is None else f" of {spoken(score.most)}"
                found.append(f"= {score.title or score.link_id}: {spoken(score.value)}{of}")
        return found

    def _update(self, content: dict[str, Any]) -> None:
        self._updates += 1
        raw = json.loads(json.dumps({"update_id": self._updates, **content}))
        incoming = inbound.read(raw, self.wire)
        assert incoming is not None
        toast = self._do(lambda tx: self.turn.update(tx, incoming, now=self.now))
        if toast:
            self.lines.append(f"    ({toast})")

    def _message(self, **content: Any) -> dict[str, Any]:
        person = {"id": CHAT, "is_bot": False, "first_name": "You"}
        chat = {"id": CHAT, "type": "private"}
        return {
            "message_id": self._messages,
            "date": int(self.now.timestamp()),
            "chat": chat,
            "from": person,
            **content,
        }

    def _tap(self, words: str, number: int | None) -> dict[str, Any]:
        for message_id in sorted(self.messages, reverse=True) if number is None else [number]:
            for row in self.messages.get(message_id, Message("")).buttons:
                for label, data in row:
                    if label.casefold().startswith(words.casefold()):
                        message = self._message(text="") | {"message_id": message_id}
                        query = {"id": "1", "from": message["from"], "chat_instance": "1", "data": data}
                        return {"callback_query": {**query, "message": message}}
        where = "" if number is None else f" on message {number}"
        raise NoSuchButtonError(f"There is no button [{words}]{where}.")

    def _wait(self, passed: timedelta) -> None:
        until = self.now + passed
        while True:
            due = self.store.submit(timers.next_due).result()
            if due is None or due > until:
                break
            self.now = max(self.now, due)
            for timer in self.store.submit(lambda tx: timers.due(tx, self.now, 100)).result():
                self._do(lambda tx, timer=timer: self.turn.timer(tx, timer, now=self.now))
        self.now = until

    def _do(self, work: Any) -> Any:
        """One transaction, and then what it sends."""
        result = self.store.submit(work).result()
        self.lines += self.store.submit(self._alerts).result()
        while letters := self.store.submit(lambda tx: outbox.claim(tx, now=self.now, limit=50)).result():
            for letter in letters:
                self._deliver(letter)
        return result

    def _alerts(self, tx: Transaction) -> list[str]:
        """What was raised since the last look, as the staff would hear of it."""
        found = []
        for alert in alerts.open_ones(tx):
            number = alerts.number(alert)
            if number > self._told:
                found.append(f"    ! {Tier(alert.tier).label.upper()} {alert.rule}")
        self._told = max([self._told, *(alerts.number(alert) for alert in alerts.open_ones(tx))])
        return sorted(found)

    def _deliver(self, letter: Letter) -> None:
        message_id, parameters = None, letter.parameters
        if letter.method == "sendMessage" and letter.chat_id == CHAT:
            self._messages += 1
            message_id = self._messages
            self.messages[message_id] = _shown(parameters)
            self.lines += _lines(self.messages[message_id], f"#{message_id}")
        elif letter.method == "editMessageText" and letter.chat_id == CHAT:
            message_id = int(parameters["message_id"])
            before, self.messages[message_id] = self.messages[message_id], _shown(parameters)
            if before != self.messages[message_id]:
                self.lines += _lines(self.messages[message_id], f"#{message_id} now:")
        elif letter.method == "editMessageReplyMarkup" and letter.chat_id == CHAT:
            message_id = int(parameters["message_id"])
            self.messages[message_id] = replace(self.messages[message_id], buttons=())
        self.store.submit(lambda tx: outbox.sent(tx, letter, message_id, now=self.now)).result()


def converse(chat: Chat) -> None:
    """Go on with a person at the keyboard, or with lines on standard input, until the end."""
    print(HOW, "", *chat.lines, sep="\n")
    for line in iter(_asked, None):
        shown = len(chat.lines)
        try:
            chat.does(line)
        except NoSuchButtonError as error:
            chat.lines = chat.lines[:shown]
            print(error)
            continue
        print(*chat.lines[shown:][len(ECHO) :], sep="\n")
    print("", *chat.summary, sep="\n")


def transcript(chat: Chat, header: Mapping[str, str]) -> str:
    """All that was said and done, as a golden conversation."""
    lines = [*(f"{name}: {value}" for name, value in header.items()), "", *chat.lines, "", *chat.summary]
    return "\n".join(lines) + "\n"


def steps(golden: str) -> Sequence[str]:
    """What the patient does in a golden conversation, in order."""
    return [line.removeprefix("> ") for line in golden.splitlines() if line.startswith("> ")]


def _asked() -> str | None:
    try:
        return input("> " if sys.stdin.isatty() else "") or None
    except EOFError:
        return None


@contextmanager
def opened(
    catalogue: Catalogue, renderer: Renderer, *, now: datetime, form: Questionnaire | None = None
) -> Iterator[Chat]:
    """A chat on a database that is thrown away; with a form, that is what the patient is asked to answer."""
    if form is not None:
        catalogue = replace(catalogue, questionnaires={**catalogue.questionnaires, NAME: form})
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'chat.db'}", Keyring.generate())
        try:
            wire = Wire("1:chat", "http://127.0.0.1:9")
            chat = Chat(store, Turn.build(catalogue, renderer, 1, Lifeline()), wire, now)
            if form is not None:
                chat.seek(NAME)
            yield chat
        finally:
            store.close()


def _shown(parameters: Any) -> Message:
    text, _ = parse_html(parameters["text"])
    rows = parameters.get("reply_markup", {}).get("inline_keyboard", [])
    return Message(text, [[(button["text"], button["callback_data"]) for button in row] for row in rows])


def _lines(message: Message, mark: str) -> Iterator[str]:
    """A message in the transcript: its number, its text, its rows of buttons."""
    yield f"  {mark}"
    yield from (f"    {line}".rstrip() for line in message.text.splitlines())
    for row in message.buttons:
        yield "    " + " ".join(f"[{label}]" for label, _ in row)
