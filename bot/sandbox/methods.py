"""The methods of the Bot API, one function each: the sandbox and the checked parameters in, Telegram's result out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.sandbox import entities
from bot.sandbox.errors import ApiError, bad_request, conflict, forbidden
from bot.sandbox.files import DOCUMENT_LIMIT, check_photo, document, photo_sizes
from bot.sandbox.keyboards import checked_keyboard
from bot.sandbox.people import TAP_SECONDS, TEXT_LIMIT, Sandbox
from bot.sandbox.records import Chat, Json, StoredFile, Upload, Webhook

CAPTION_LIMIT = 1024
LONGEST_POLL = 50
DELETABLE_SECONDS = 48 * 3600
TYPING_SECONDS = 5
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
_ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
_NOT_SERVED = (
    "business_connection_id",
    "direct_messages_topic_id",
    "ephemeral_message_parameters",
    "inline_message_id",
    "message_effect_id",
    "message_thread_id",
    "rich_message",
    "suggested_post_parameters",
    "thumbnail",
)
_PROFILE_LIMITS = {"name": 64, "description": 512, "short_description": 120}
_WEBHOOK_PORTS = (443, 80, 88, 8443)


@dataclass(frozen=True)
class Described:
    """A result that comes with a sentence, as those of setWebhook do."""

    result: Any
    description: str


Handler = Callable[[Sandbox, Json], Any]
Served = TypeVar("Served", bound=Handler)
HANDLERS: dict[str, Handler] = {}


def _serves(name: str) -> Callable[[Served], Served]:
    def register(handler: Served) -> Served:
        HANDLERS[name] = handler
        return handler

    return register


def refuse_unserved(given: Mapping[str, Any]) -> None:
    """Raises ApiError 400 for a parameter that exists in Telegram but does nothing in the sandbox."""
    for name in _NOT_SERVED:
        if given.get(name):
            raise bad_request(f'the sandbox does not serve the parameter "{name}"')


# Updates


@_serves("getUpdates")
async def get_updates(sandbox: Sandbox, p: Json) -> list[Json]:
    if sandbox.webhook:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    if "allowed_updates" in p:
        sandbox.updates.allowed = p["allowed_updates"]
    limit = min(max(p.get("limit", 100), 1), 100)
    seconds = min(max(p.get("timeout", 0), 0), LONGEST_POLL)
    if sandbox.updates.acknowledge(p.get("offset", 0)) or "allowed_updates" in p:
        sandbox.changed()
    return await sandbox.updates.poll(limit, 0 if sandbox.hung_up else seconds)


@_serves("setWebhook")
def set_webhook(sandbox: Sandbox, p: Json) -> Described:
    if not p["url"]:
        return delete_webhook(sandbox, p)
    _check_webhook_url(p["url"])
    secret = p.get("secret_token", "")
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad_request("secret token contains unallowed characters")
    connections = min(max(p.get("max_connections", 40), 1), 100)
    webhook = Webhook(p["url"], secret, connections, p.get("ip_address", ""), "certificate" in p)
    if p.get("drop_pending_updates"):
        sandbox.updates.pending.clear()
    allowed = p.get("allowed_updates", sandbox.updates.allowed)
    current = sandbox.webhook
    same = current is not None and (current.url, current.secret_token) == (webhook.url, webhook.secret_token)
    if same and allowed == sandbox.updates.allowed and not p.get("drop_pending_updates"):
        return Described(True, "Webhook is already set")
    sandbox.updates.allowed = allowed
    sandbox.updates.interrupt(conflict("terminated by setWebhook request"))
    sandbox.webhook = webhook
    sandbox.changed()
    return Described(True, "Webhook was set")


@_serves("deleteWebhook")
def delete_webhook(sandbox: Sandbox, p: Json) -> Described:
    if p.get("drop_pending_updates"):
        sandbox.updates.pending.clear()
    was_set, sandbox.webhook = sandbox.webhook is not None, None
    sandbox.changed()
    return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


@_serves("getWebhookInfo")
def get_webhook_info(sandbox: Sandbox, p: Json) -> Json:
    webhook = sandbox.webhook or Webhook("", max_connections=0)
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": webhook.has_custom_certificate,
        "pending_update_count": len(sandbox.updates.waiting()),
    }
    if webhook.last_error_date:
        info |= {"last_error_date": webhook.last_error_date, "last_error_message": webhook.last_error_message}
    if webhook.url:
        info |= {"max_connections": webhook.max_connections, "ip_address": webhook.ip_address or "127.0.0.1"}
    if sandbox.updates.allowed:
        info["allowed_updates"] = sandbox.updates.allowed
    return info


def _check_webhook_url(url: str) -> None:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise bad_request("invalid webhook URL specified")
    if _is_loopback(parts.hostname):
        return
    if parts.scheme == "http":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in _WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# Messages


@_serves("sendMessage")
def send_message(sandbox: Sandbox, p: Json) -> Json:
    if not p["text"]:
        raise bad_request("message text is empty")
    chat = _writable(sandbox, p["chat_id"])
    return _send(sandbox, chat, p, _text(sandbox, p))


@_serves("sendPhoto")
def send_photo(sandbox: Sandbox, p: Json) -> Json:
    chat = _writable(sandbox, p["chat_id"])
    caption = _caption(sandbox, p)
    if isinstance(p["photo"], Upload):
        check_photo(p["photo"])
    file = _file(sandbox, p["photo"], "photos")
    spoiler = {"has_media_spoiler": True} if p.get("has_spoiler") else {}
    above = {"show_caption_above_media": True} if p.get("show_caption_above_media") and caption else {}
    return _send(sandbox, chat, p, {"photo": photo_sizes(file), **caption, **spoiler, **above})


@_serves("sendDocument")
def send_document(sandbox: Sandbox, p: Json) -> Json:
    chat = _writable(sandbox, p["chat_id"])
    caption = _caption(sandbox, p)
    if isinstance(p["document"], Upload):
        if not p["document"].content:
            raise bad_request("file must be non-empty")
        if len(p["document"].content) > DOCUMENT_LIMIT:
            raise ApiError(413, "Request Entity Too Large")
    return _send(sandbox, chat, p, {"document": document(_file(sandbox, p["document"], "documents")), **caption})


@_serves("editMessageText")
def edit_message_text(sandbox: Sandbox, p: Json) -> Json:
    if not p.get("text"):
        raise bad_request("message text is empty")
    message = _own_message(sandbox, p)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _replace(sandbox, message, p, _text(sandbox, p), ("text", "entities", "link_preview_options"))


@_serves("editMessageReplyMarkup")
def edit_message_reply_markup(sandbox: Sandbox, p: Json) -> Json:
    return _replace(sandbox, _own_message(sandbox, p), p, {}, ())


@_serves("deleteMessage")
def delete_message(sandbox: Sandbox, p: Json) -> bool:
    chat = _readable(sandbox, p["chat_id"])
    message = sandbox.message(chat.id, p["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    if sandbox.timestamp() - message["date"] >= DELETABLE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    if chat.type == "group" and message["from"]["id"] != sandbox.bot["id"]:
        raise bad_request("message can't be deleted")
    sandbox.delete(message)
    return True


@_serves("answerCallbackQuery")
def answer_callback_query(sandbox: Sandbox, p: Json) -> bool:
    tap = sandbox.taps.get(p["callback_query_id"])
    if tap is None or tap.answered or sandbox.clock.now().timestamp() - tap.at > TAP_SECONDS:
        raise bad_request(TOO_OLD)
    text, url = p.get("text", ""), p.get("url", "")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    if url and not url.startswith(f"https://t.me/{sandbox.bot['username']}?start="):
        raise bad_request("URL_INVALID")
    tap.answered = True
    shown = {"text": text or None, "show_alert": p.get("show_alert", False), "url": url or None}
    sandbox.tell({"type": "callback_answer", "user_id": tap.user_id, "callback_query_id": tap.id, **shown})
    return True


@_serves("sendChatAction")
def send_chat_action(sandbox: Sandbox, p: Json) -> bool:
    if p["action"] not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = _writable(sandbox, p["chat_id"])
    chat.typing_until = sandbox.clock.now().timestamp() + TYPING_SECONDS
    sandbox.tell({"type": "typing", "chat_id": chat.id, "until": sandbox.iso(chat.typing_until)})
    return True


@_serves("getFile")
def get_file(sandbox: Sandbox, p: Json) -> Json:
    file = sandbox.files.stored.get(p["file_id"])
    if file is None:
        raise bad_request("invalid file_id")
    ids = {"file_id": file.file_id, "file_unique_id": file.file_unique_id}
    return {**ids, "file_size": file.size, "file_path": file.path}


def _readable(sandbox: Sandbox, chat_id: int | str) -> Chat:
    chat = sandbox.chats.get(chat_id) if isinstance(chat_id, int) else None
    if chat is None:
        raise bad_request("chat not found")
    return chat


def _writable(sandbox: Sandbox, chat_id: int | str) -> Chat:
    chat = _readable(sandbox, chat_id)
    if chat.blocked:
        raise forbidden("bot was blocked by the user")
    if not chat.started:
        raise forbidden("bot can't initiate conversation with a user")
    if chat.type == "group" and sandbox.bot["id"] not in chat.members:
        raise forbidden("bot is not a member of the group chat")
    return chat


def _text(sandbox: Sandbox, p: Json) -> Json:
    text, found = entities.formatted(p["text"], p.get("parse_mode"), p.get("entities"), sandbox.find_user)
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    preview = p.get("link_preview_options")
    return {
        "text": text,
        **({"entities": found} if found else {}),
        **({"link_preview_options": preview} if preview else {}),
    }


def _caption(sandbox: Sandbox, p: Json) -> Json:
    if not p.get("caption"):
        return {}
    text, found = entities.formatted(p["caption"], p.get("parse_mode"), p.get("caption_entities"), sandbox.find_user)
    if len(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return {"caption": text, **({"caption_entities": found} if found else {})} if text else {}


def _file(sandbox: Sandbox, given: Upload | str, kind: str) -> StoredFile:
    if isinstance(given, Upload):
        return sandbox.files.keep(given, kind)
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    file = sandbox.files.stored.get(given)
    if file is None:
        raise bad_request("wrong remote file identifier specified: Wrong character in the string")
    if not file.path.startswith(kind):
        raise bad_request("type of file mismatch")
    return file


def _send(sandbox: Sandbox, chat: Chat, p: Json, content: Json) -> Json:
    inline, reply_keyboard = checked_keyboard(p.get("reply_markup"), private=chat.type == "private")
    answered = _answered_message(sandbox, chat, p.get("reply_parameters"))
    message = sandbox.new_message(
        chat,
        sandbox.bot_user(),
        {
            **({"reply_to_message": answered} if answered else {}),
            **content,
            **({"has_protected_content": True} if p.get("protect_content") else {}),
            **({"reply_markup": inline} if inline else {}),
        },
    )
    if reply_keyboard:
        sandbox.reply_keyboards[message["message_id"]] = reply_keyboard
    chat.typing_until = 0.0
    sandbox.tell({"type": "message", "message": sandbox.view(message)})
    return dict(message)


def _answered_message(sandbox: Sandbox, chat: Chat, reply: Json | None) -> Json | None:
    if not reply:
        return None
    for name in ("quote", "checklist_task_id", "poll_option_id", "ephemeral_message_id"):
        if name in reply:
            raise bad_request(f'the sandbox does not serve the field "{name}" of ReplyParameters')
    if "message_id" not in reply:
        raise bad_request('can\'t find field "message_id"')
    if reply.get("chat_id", chat.id) != chat.id:
        raise bad_request("the sandbox does not serve replies to another chat")
    message = sandbox.message(chat.id, reply["message_id"])
    if message is None and not reply.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return sandbox.quoted(message) if message else None


def _own_message(sandbox: Sandbox, p: Json) -> Json:
    if "message_id" not in p:
        raise bad_request("message identifier is not specified")
    if "chat_id" not in p:
        raise bad_request("chat_id is empty")
    chat = _writable(sandbox, p["chat_id"])
    message = sandbox.message(chat.id, p["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != sandbox.bot["id"] or message["message_id"] in sandbox.reply_keyboards:
        raise bad_request("message can't be edited")
    return message


def _replace(sandbox: Sandbox, message: Json, p: Json, content: Json, fields: tuple[str, ...]) -> Json:
    private = message["chat"]["type"] == "private"
    inline, _ = checked_keyboard(p.get("reply_markup"), private=private)
    fresh = {**content, **({"reply_markup": inline} if inline else {})}
    kept = {name: value for name, value in message.items() if name not in (*fields, "reply_markup", "edit_date")}
    if {**kept, **fresh} == {name: value for name, value in message.items() if name != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    message.clear()
    message.update({**kept, "edit_date": sandbox.timestamp(), **fresh})
    sandbox.tell({"type": "edited", "message": sandbox.view(message)})
    return dict(message)


# The bot and its chats


@_serves("getMe")
def get_me(sandbox: Sandbox, p: Json) -> Json:
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
    return {**sandbox.bot, **abilities}


@_serves("setMyCommands")
def set_my_commands(sandbox: Sandbox, p: Json) -> bool:
    if len(p["commands"]) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in p["commands"]:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return _keep_commands(sandbox, p, p["commands"])


@_serves("deleteMyCommands")
def delete_my_commands(sandbox: Sandbox, p: Json) -> bool:
    return _keep_commands(sandbox, p, [])


@_serves("getMyCommands")
def get_my_commands(sandbox: Sandbox, p: Json) -> list[Json]:
    return sandbox.commands.get(_scope(sandbox, p), [])


def _keep_commands(sandbox: Sandbox, p: Json, commands: list[Json]) -> bool:
    sandbox.commands[_scope(sandbox, p)] = commands
    sandbox.tell({"type": "commands", "commands": sandbox.commands.get("default", [])})
    return True


def _scope(sandbox: Sandbox, p: Json) -> str:
    scope = p.get("scope") or {"type": "default"}
    if "chat_id" in scope:
        _readable(sandbox, scope["chat_id"])
    language = p.get("language_code", "")
    if not re.fullmatch(r"([a-z]{2})?", language):
        raise bad_request("invalid language code specified")
    parts = [str(scope[name]) for name in ("type", "chat_id", "user_id") if name in scope]
    return ":".join(parts + ([language] if language else []))


def _profile_methods(field: str, suffix: str) -> None:
    def read(sandbox: Sandbox, p: Json) -> Json:
        return {field: sandbox.profile.get(f"{field}:{p.get('language_code', '')}", "")}

    def write(sandbox: Sandbox, p: Json) -> bool:
        if len(p.get(field, "")) > _PROFILE_LIMITS[field]:
            raise bad_request(f"bot {field.replace('_', ' ')} is too long")
        sandbox.profile[f"{field}:{p.get('language_code', '')}"] = p.get(field, "")
        sandbox.changed()
        return True

    HANDLERS[f"getMy{suffix}"] = read
    HANDLERS[f"setMy{suffix}"] = write


_profile_methods("name", "Name")
_profile_methods("description", "Description")
_profile_methods("short_description", "ShortDescription")


@_serves("setChatMenuButton")
def set_chat_menu_button(sandbox: Sandbox, p: Json) -> bool:
    button = p.get("menu_button") or {"type": "default"}
    if "chat_id" in p:
        _readable(sandbox, p["chat_id"]).menu_button = button
    else:
        sandbox.menu_button = button
    sandbox.changed()
    return True


@_serves("getChatMenuButton")
def get_chat_menu_button(sandbox: Sandbox, p: Json) -> Json:
    own = _readable(sandbox, p["chat_id"]).menu_button if "chat_id" in p else None
    return own or sandbox.menu_button


@_serves("getChat")
def get_chat(sandbox: Sandbox, p: Json) -> Json:
    chat = _readable(sandbox, p["chat_id"])
    if not chat.started:
        raise bad_request("chat not found")
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {
        **sandbox.chat_json(chat),
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


@_serves("getChatMember")
def get_chat_member(sandbox: Sandbox, p: Json) -> Json:
    chat = _readable(sandbox, p["chat_id"])
    user = sandbox.find_user(p["user_id"])
    if user is None:
        raise bad_request("user not found")
    if chat.type == "group" and chat.members[:1] == [user["id"]]:
        return {"user": user, "status": "creator", "is_anonymous": False}
    is_member = user["id"] in (*chat.members, *([sandbox.bot["id"]] if chat.type == "private" else []))
    return sandbox.membership("member" if is_member else "left", user)


@_serves("leaveChat")
def leave_chat(sandbox: Sandbox, p: Json) -> bool:
    chat = _readable(sandbox, p["chat_id"])
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    if sandbox.bot["id"] not in chat.members:
        raise forbidden("bot is not a member of the group chat")
    chat.members.remove(sandbox.bot["id"])
    sandbox.bot_membership(chat, sandbox.bot, "member", "left")
    return True
