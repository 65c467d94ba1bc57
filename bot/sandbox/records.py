"""What a sandbox remembers: people, chats, files, taps, the webhook, and the requests of the bot."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Role(StrEnum):
    """Who a person of the sandbox is to the clinic."""

    PATIENT = "patient"
    CLINICIAN = "clinician"


@dataclass
class Person:
    """Somebody with a Telegram account."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str = "en"
    role: Role = Role.PATIENT
    about: str = ""

    def as_user(self) -> Json:
        """The person as Telegram's User."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {"id": self.id, "is_bot": False, **_present(names), "language_code": self.language_code}

    def as_json(self) -> Json:
        """The person as the chat page sees them."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        rest = {"language_code": self.language_code, "role": self.role.value, "about": self.about}
        return {"id": self.id, **_present(names), **rest}


@dataclass
class Chat:
    """A private chat (id of the person) or a group (negative id) as the bot knows it."""

    id: int
    type: str
    members: list[int]
    instance: str
    title: str | None = None
    started: bool = False
    blocked: bool = False
    typing_until: float = 0.0
    menu_button: Json | None = None


@dataclass
class StoredFile:
    """A file that was sent; `path` is what getFile answers, relative to the folder of files."""

    file_id: str
    file_unique_id: str
    path: str
    name: str
    mime: str
    size: int
    width: int = 0
    height: int = 0


@dataclass
class Tap:
    """A pressed button that waits for its answer; `at` in seconds since 1970."""

    id: str
    user_id: int
    at: float
    answered: bool = False


@dataclass
class Webhook:
    """Where updates are pushed to, and what came of it."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""
    has_custom_certificate: bool = False
    last_error_date: int = 0
    last_error_message: str = ""


@dataclass
class Upload:
    """A file on its way in."""

    name: str
    mime: str
    content: bytes


@dataclass
class Call:
    """A request of the bot: its result, or the ApiError's description, or neither while it is under way."""

    method: str
    params: Json
    at: datetime
    result: Any = None
    error: str | None = None
    done: bool = field(default=False)


def _present(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
