"""The sandbox's Bot API on the wire: tokens, methods, the forms of a request, and refusals in Telegram's words."""

# ruff: noqa: E501 - the table of refusals has one to a line

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from telegram import Bot

from bot.sandbox import Person, Sandbox, serve
from bot.sandbox.methods import HANDLERS
from bot.sandbox.schema import bot_api


@dataclass
class Wire:
    """A served sandbox with one person who has started the bot, and a plain HTTP client."""

    sandbox: Sandbox
    sam: Person
    http: httpx.AsyncClient
    url: str

    def bot(self) -> Bot:
        """An unmodified client of the Bot API."""
        return Bot(self.sandbox.token, base_url=f"{self.url}/bot", base_file_url=f"{self.url}/file/bot")

    async def call(self, method: str, **parameters: Any) -> httpx.Response:
        """A request with a JSON body, nothing checked on this side."""
        return await self.http.post(f"/bot{self.sandbox.token}/{method}", json=parameters)

    async def refusal(self, method: str, **parameters: Any) -> str:
        """The description of the error that the request must get."""
        answer = (await self.call(method, **parameters)).json()
        assert not answer["ok"]
        return str(answer["description"])


@asynccontextmanager
async def wired(sandbox: Sandbox | None = None) -> AsyncIterator[Wire]:
    """Serve a sandbox in which Sam has pressed Start, with nothing left to fetch."""
    sandbox = sandbox or Sandbox()
    sam = next(iter(sandbox.people.values()), None) or sandbox.add_user("Sam")
    if not sandbox.chats[sam.id].started:
        sandbox.start(sam)
        sandbox.updates.pending.clear()
    async with (
        serve(sandbox) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as http,
    ):
        yield Wire(sandbox, sam, http, url)


async def test_the_table_and_the_served_methods_are_the_same() -> None:
    assert set(HANDLERS) == set(bot_api().methods)
    assert bot_api().version == "10.3"


@pytest.mark.parametrize("method", sorted(bot_api().methods))
def test_the_table_knows_every_parameter_that_the_client_library_sends(method: str) -> None:
    spelled = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method)
    code = getattr(Bot, spelled).__wrapped__ if hasattr(getattr(Bot, spelled), "__wrapped__") else getattr(Bot, spelled)
    own = {"self", "read_timeout", "write_timeout", "connect_timeout", "pool_timeout", "api_kwargs", "filename"}
    older = {"reply_to_message_id", "allow_sending_without_reply", "disable_web_page_preview"}
    arguments = set(code.__code__.co_varnames[: code.__code__.co_argcount + code.__code__.co_kwonlyargcount])
    assert arguments - own - older <= set(bot_api().methods[method])


async def test_methods_are_found_whatever_their_case_and_by_get_or_post() -> None:
    async with wired() as wire:
        for name in ("getMe", "getme", "GETME"):
            for request in (wire.http.get, wire.http.post):
                answer = (await request(f"/bot{wire.sandbox.token}/{name}")).json()
                assert answer["result"]["username"] == "taperline_bot"


async def test_query_form_json_and_multipart_mean_the_same() -> None:
    async with wired() as wire:
        path = f"/bot{wire.sandbox.token}/sendMessage"
        fields = {"chat_id": str(wire.sam.id), "text": "Hello", "disable_notification": "true"}
        keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
        answers = [
            await wire.http.get(path, params={**fields, "reply_markup": json.dumps(keyboard)}),
            await wire.http.post(path, data={**fields, "reply_markup": json.dumps(keyboard)}),
            await wire.http.post(
                path, files={n: (None, v) for n, v in fields.items()}, params={"reply_markup": json.dumps(keyboard)}
            ),
            await wire.http.post(path, json={"chat_id": wire.sam.id, "text": "Hello", "reply_markup": keyboard}),
            await wire.http.post(
                path, json={"chat_id": wire.sam.id, "text": "Hello", "reply_markup": json.dumps(keyboard)}
            ),
        ]
        for answer in answers:
            assert answer.status_code == 200
            assert answer.json()["result"]["text"] == "Hello"
            assert answer.json()["result"]["reply_markup"] == keyboard


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        ("7700000001:AAwrongWRONGwrongWRONGwrongWRONGwron", 401, "Unauthorized"),
        ("nonsense", 404, "Not Found"),
        ("7700000001", 404, "Not Found"),
    ],
)
async def test_a_wrong_token_is_refused(token: str, status: int, description: str) -> None:
    async with wired() as wire:
        answer = await wire.http.get(f"/bot{token}/getMe")
        assert answer.status_code == status
        assert answer.json() == {"ok": False, "error_code": status, "description": description}
        assert (await wire.http.get(f"/file/bot{token}/photos/x.png")).status_code == status


async def test_an_unknown_method_is_not_found() -> None:
    async with wired() as wire:
        answer = await wire.call("sendCarrierPigeon")
        assert answer.status_code == 404
        assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


BUTTON = {"text": "Yes", "callback_data": "yes"}


def inline(*rows: Any) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("sendMessage", {"text": "x"}, "chat_id is empty"),
    ("sendMessage", {"chat_id": "SAM"}, "message text is empty"),
    ("sendMessage", {"chat_id": "SAM", "text": ""}, "message text is empty"),
    ("sendMessage", {"chat_id": "SAM", "text": " \n "}, "text must be non-empty"),
    ("sendMessage", {"chat_id": "SAM", "text": "x" * 4097}, "message is too long"),
    ("sendMessage", {"chat_id": "SAM", "text": "x" * 40_000}, "text is too long"),
    ("sendMessage", {"chat_id": 99, "text": "x"}, "chat not found"),
    ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
    ("sendMessage", {"chat_id": "SAM", "text": 5}, 'parameter "text" must be of type String'),
    ("sendMessage", {"chat_id": "SAM", "text": "\ud83d"}, "strings must be encoded in UTF-8"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "colour": "red"}, 'parameter "colour" is unknown to sendMessage in Bot API 10.3'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "disable_notification": "maybe"}, 'parameter "disable_notification" must be of type Boolean'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "message_thread_id": 4}, 'the sandbox does not serve the parameter "message_thread_id"'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    ("sendMessage", {"chat_id": "SAM", "text": "<b>x", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
    ("sendMessage", {"chat_id": "SAM", "text": "1.", "parse_mode": "MarkdownV2"}, "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "entities": [{"type": "bold", "offset": 0}]}, 'can\'t parse MessageEntity: can\'t find field "length"'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline(BUTTON)}, 'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{"text": "Yes"}])}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{"callback_data": "y"}])}, 'can\'t parse inline keyboard button: can\'t find field "text"'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline(["Yes"])}, "can't parse inline keyboard button: InlineKeyboardButton must be an Object"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{**BUTTON, "text": ""}])}, "inline keyboard button text must be non-empty"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{**BUTTON, "callback_data": "é" * 33}])}, "BUTTON_DATA_INVALID"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{**BUTTON, "url": "https://a.org"}])}, "can't parse inline keyboard button: it has more than one action: url, callback_data"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{"text": "Go", "url": "nowhere"}])}, "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline([{**BUTTON, "sound": "ping"}])}, 'can\'t parse inline keyboard button: field "sound" is unknown to InlineKeyboardButton in Bot API 10.3'),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": inline(*[[BUTTON]] * 101)}, "reply markup is too long"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_markup": {"keyboard": [[{"text": ""}]]}}, "keyboard button text must be non-empty"),
    ("sendMessage", {"chat_id": "SAM", "text": "x", "reply_parameters": {"message_id": 3}}, "message to be replied not found"),
    ("editMessageText", {"chat_id": "SAM", "message_id": 3, "text": "x"}, "message to edit not found"),
    ("editMessageText", {"chat_id": "SAM", "text": "x"}, "message identifier is not specified"),
    ("editMessageReplyMarkup", {"chat_id": "SAM", "message_id": "START"}, "message can't be edited"),
    ("deleteMessage", {"chat_id": "SAM", "message_id": 3}, "message to delete not found"),
    ("answerCallbackQuery", {"callback_query_id": "12"}, "query is too old and response timeout expired or query ID is invalid"),
    ("sendChatAction", {"chat_id": "SAM", "action": "dancing"}, "wrong parameter action in request"),
    ("sendPhoto", {"chat_id": "SAM"}, "there is no photo in the request"),
    ("sendPhoto", {"chat_id": "SAM", "photo": "attach://gone"}, 'file "attach://gone" is not in the request'),
    ("sendDocument", {"chat_id": "SAM", "document": "unknown"}, "wrong remote file identifier specified: Wrong character in the string"),
    ("getFile", {"file_id": "unknown"}, "invalid file_id"),
    ("setMyCommands", {"commands": [{"command": "Start!", "description": "x"}]}, "BOT_COMMAND_INVALID"),
    ("setMyCommands", {"commands": [{"command": "start"}]}, 'can\'t parse BotCommand: can\'t find field "description"'),
    ("setMyCommands", {"commands": [], "scope": {"type": "galaxy"}}, "unsupported type specified"),
    ("leaveChat", {"chat_id": "SAM"}, "chat member status can't be changed in private chats"),
    ("setWebhook", {"url": "http://example.org/hook"}, "bad webhook: An HTTPS URL must be provided for webhook"),
    ("setWebhook", {"url": "https://example.org:9999/hook"}, "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
    ("setWebhook", {"url": "ftp://example.org/hook"}, "invalid webhook URL specified"),
    ("setWebhook", {"url": "http://127.0.0.1:1/", "secret_token": "ä"}, "secret token contains unallowed characters"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "parameters", "description"), REFUSED)
async def test_what_telegram_refuses_is_refused_in_its_words(
    method: str, parameters: dict[str, Any], description: str
) -> None:
    async with wired() as wire:
        start = wire.sandbox.last_message(wire.sam)["message_id"]
        meant = {"SAM": wire.sam.id, "START": start}
        given = {
            name: meant.get(value, value) if isinstance(value, str) else value for name, value in parameters.items()
        }
        body = json.dumps(given)
        answer = await wire.http.post(
            f"/bot{wire.sandbox.token}/{method}", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.json() == {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}
        assert answer.status_code == 400


async def test_unknown_parameters_pass_where_strictness_is_switched_off() -> None:
    async with wired(Sandbox(strict=False)) as wire:
        answer = await wire.call("sendMessage", chat_id=wire.sam.id, text="x", colour="red", message_thread_id=4)
        assert answer.json()["ok"]


async def test_a_broken_body_is_a_bad_request() -> None:
    async with wired() as wire:
        path = f"/bot{wire.sandbox.token}/sendMessage"
        broken = await wire.http.post(path, content="{", headers={"Content-Type": "application/json"})
        listed = await wire.http.post(path, content="[]", headers={"Content-Type": "application/json"})
        assert broken.status_code == listed.status_code == 400
        assert broken.json()["description"] == "Bad Request: can't parse the request's body"


async def test_every_request_is_remembered_with_its_outcome() -> None:
    async with wired() as wire:
        await wire.call("sendMessage", chat_id=str(wire.sam.id), text="Hello")
        await wire.call("sendMessage", chat_id=5, text="Hello")
        good, bad = list(wire.sandbox.calls)[-2:]
        assert (good.method, good.params["chat_id"], good.error) == ("sendMessage", wire.sam.id, None)
        assert good.result["text"] == "Hello"
        assert bad.error == "Bad Request: chat not found"
        assert wire.sandbox.calls_of("sendMessage", wire.sam) == [good]
