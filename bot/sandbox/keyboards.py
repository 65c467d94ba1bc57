"""What Telegram demands of keyboards beyond their form."""

from urllib.parse import urlsplit

from bot.sandbox.errors import bad_request
from bot.sandbox.records import Json

_MOST_BUTTONS = 100
_MOST_BYTES = 64
_ACTIONS = (
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "login_url",
    "web_app",
    "copy_text",
    "disabled",
)
_STYLES = ("", "default", "primary", "danger", "success")
_PRIVATE_ONLY = ("request_contact", "request_location", "request_poll", "request_users", "request_chat", "web_app")


def checked_keyboard(markup: Json | None, *, private: bool) -> tuple[Json | None, Json | None]:
    """A reply_markup as (inline keyboard, what changes the person's own keyboard); one of them is None.

    Raises ApiError 400 in Telegram's words when a button is broken or there are too many.
    """
    if not markup:
        return None, None
    if "inline_keyboard" not in markup:
        for row in markup.get("keyboard", []):
            for button in row:
                _check_reply_button(button, private=private)
        return None, markup
    rows = [row for row in markup["inline_keyboard"] if row]
    for row in rows:
        for button in row:
            _check_inline_button(button, private=private)
    if sum(len(row) for row in rows) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return ({"inline_keyboard": rows} if rows else None), None


def _check_inline_button(button: Json, *, private: bool) -> None:
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty")
    actions = [name for name in _ACTIONS if name in button and (button[name] != "" or name.startswith("switch"))]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request(f"can't parse inline keyboard button: it has more than one action: {', '.join(actions)}")
    if len(button.get("callback_data", "").encode()) > _MOST_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if button.get("style", "") not in _STYLES:
        raise bad_request("can't parse inline keyboard button: invalid button style specified")
    if "url" in actions:
        _check_url(button["url"], "inline keyboard button URL", ("http", "https", "tg"))
    if "web_app" in actions:
        if not private:
            raise bad_request("BUTTON_TYPE_INVALID")
        _check_url(button["web_app"]["url"], "inline keyboard button Web App URL", ("https",))
    if "copy_text" in actions and not 1 <= len(button["copy_text"]["text"]) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _check_reply_button(button: Json, *, private: bool) -> None:
    if not button["text"].strip():
        raise bad_request("keyboard button text must be non-empty")
    if button.get("style", "") not in _STYLES:
        raise bad_request("can't parse keyboard button: invalid button style specified")
    if not private and any(button.get(name) for name in _PRIVATE_ONLY):
        raise bad_request("BUTTON_TYPE_INVALID")


def _check_url(url: str, noun: str, schemes: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError:
        raise bad_request(f"{noun} '{url}' is invalid: Wrong HTTP URL") from None
    if parts.scheme not in schemes:
        reason = "Only HTTPS links are allowed" if schemes == ("https",) else "Unsupported URL protocol"
        raise bad_request(f"{noun} '{url}' is invalid: {reason}")
    host = parts.hostname or ""
    if parts.scheme != "tg" and "." not in host and host != "localhost":
        raise bad_request(f"{noun} '{url}' is invalid: Wrong HTTP URL")
