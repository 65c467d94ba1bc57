"""The Bot API's parameter table (bot_api.json) and the one validator that reads it."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.records import Json, Upload

Fields = dict[str, str]

_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "action": "wrong parameter action in request",
    "user_id": "invalid user_id specified",
    "file_id": "file_id not specified",
}
_NOUNS = {
    "reply_markup": "reply keyboard markup",
    "reply_parameters": "reply parameters",
    "link_preview_options": "link preview options",
    "menu_button": "menu button",
    "scope": "BotCommandScope",
}
_NOT_AN_OBJECT = {
    "reply_markup": "object expected as reply markup",
    "reply_parameters": "object expected as reply parameters",
    "link_preview_options": "object expected as link preview options",
    "scope": "can't parse BotCommandScope: BotCommandScope must be an Object",
    "menu_button": "can't parse menu button: MenuButton must be an Object",
    "commands": "expected an Array of BotCommand",
}
_PARTS = {
    "InlineKeyboardButton": "can't parse inline keyboard button: ",
    "KeyboardButton": "can't parse keyboard button: ",
    "BotCommand": "can't parse BotCommand: ",
    "MessageEntity": "can't parse MessageEntity: ",
}


class MismatchError(Exception):
    """A value has not the form its type asks for."""


class Table:
    """Methods and types of the Bot API. A type ends in `?` when it may be left out; a quoted type is a constant."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.version: str = source["version"]
        self.methods: dict[str, Fields] = source["methods"]
        self.types: dict[str, Fields | str] = source["types"]
        self._names = {name.lower(): name for name in self.methods}

    def method(self, name: str) -> str | None:
        """The method's own spelling, whatever the case of `name`; None when it is not served."""
        return self._names.get(name.lower())

    def parameters(self, method: str, given: Mapping[str, Any], files: Mapping[str, Upload], *, strict: bool) -> Json:
        """Typed parameters out of a request's strings, JSON values and files.

        Raises ApiError 400 for a parameter that is missing or mistyped and, when `strict`, for one that is unknown.
        """
        fields = self.methods[method]
        attached = {value.removeprefix("attach://") for value in given.values() if isinstance(value, str)}
        unknown = [name for name in (*given, *files) if name not in fields and name not in attached]
        if strict and unknown:
            raise bad_request(f'parameter "{unknown[0]}" is unknown to {method} in Bot API {self.version}')
        typed: Json = {}
        for name, declared in fields.items():
            value = files.get(name, given.get(name))
            expected = declared.removesuffix("?")
            if value is None or (value == "" and expected != "String"):
                if not declared.endswith("?"):
                    raise bad_request(_MISSING.get(name, f'parameter "{name}" is required'))
                continue
            typed[name] = self._parameter(name, expected, value, files, strict=strict)
        return typed

    def _parameter(self, name: str, expected: str, value: Any, files: Mapping[str, Upload], *, strict: bool) -> Any:
        if isinstance(value, Upload) or (isinstance(value, str) and value.startswith("attach://")):
            if "InputFile" not in expected:
                raise bad_request(f'parameter "{name}" can\'t be a file')
            found = value if isinstance(value, Upload) else files.get(value.removeprefix("attach://"))
            if found is None:
                raise bad_request(f'file "{value}" is not in the request')
            return found
        if isinstance(value, str):
            value = _read(name, expected, value)
        try:
            return self._checked(expected, value, strict=strict)
        except MismatchError as error:
            if not str(error):
                default = f'parameter "{name}" must be of type {expected}'
                raise bad_request(_NOT_AN_OBJECT.get(name, default)) from None
            raise bad_request(str(error)) from None

    def _checked(self, expected: str, value: Any, *, strict: bool) -> Any:
        if expected.startswith("Array of "):
            return self._array(expected.removeprefix("Array of "), value, strict=strict)
        choices = expected.split(" or ")
        if len(choices) > 1:
            return self._choice(choices, value, strict=strict)
        declared = self.types.get(expected)
        if isinstance(declared, str):
            return self._checked(declared, value, strict=strict)
        if declared is not None:
            return self._object(expected, declared, value, strict=strict)
        if not _is_simple(expected, value):
            raise MismatchError
        if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
            raise MismatchError("strings must be encoded in UTF-8")
        return value

    def _array(self, item: str, value: Any, *, strict: bool) -> list[Any]:
        if not isinstance(value, list):
            raise MismatchError
        prefix = _PARTS.get(item, "")
        checked = []
        for element in value:
            try:
                checked.append(self._checked(item, element, strict=strict))
            except MismatchError as error:
                default = (
                    "expected an Object" if item in ("BotCommand", "MessageEntity") else f"{item} must be an Object"
                )
                raise MismatchError(f"{prefix}{str(error) or default}" if prefix else str(error)) from None
        return checked

    def _choice(self, choices: list[str], value: Any, *, strict: bool) -> Any:
        for choice in choices:
            if choice not in self.types:
                if _is_simple(choice, value):
                    return value
            elif isinstance(value, dict) and self._fits(choice, value):
                return self._checked(choice, value, strict=strict)
        if isinstance(value, dict) and "type" in value:
            raise MismatchError("unsupported type specified")
        raise MismatchError

    def _fits(self, name: str, value: Json) -> bool:
        fields = self.types[name]
        assert isinstance(fields, dict)
        constants = {field: kind[1:-1] for field, kind in fields.items() if kind.startswith("'")}
        if constants:
            return all(value.get(field) == constant for field, constant in constants.items())
        return all(field in value for field, kind in fields.items() if not kind.endswith("?"))

    def _object(self, name: str, fields: Fields, value: Any, *, strict: bool) -> Json:
        if not isinstance(value, dict):
            raise MismatchError
        for field in value:
            if strict and field not in fields:
                raise MismatchError(f'field "{field}" is unknown to {name} in Bot API {self.version}')
        checked: Json = {}
        for field, declared in fields.items():
            given = value.get(field)
            expected = declared.removesuffix("?")
            if given is None:
                if not declared.endswith("?"):
                    raise MismatchError(f'can\'t find field "{field}"')
                continue
            try:
                checked[field] = self._checked(expected, given, strict=strict)
            except MismatchError as error:
                raise MismatchError(str(error) or _wrong_field(name, field, expected)) from None
        return checked


@cache
def bot_api() -> Table:
    """The table of the methods that the sandbox serves."""
    return Table(json.loads(resources.files(__package__).joinpath("bot_api.json").read_text("utf-8")))


def _wrong_field(owner: str, field: str, expected: str) -> str:
    if expected.startswith("Array of Array of"):
        return f'field "{field}" of the {owner} must be an Array of Arrays'
    return f'field "{field}" must be of type {"Number" if expected == "Integer" else expected}'


def _is_simple(expected: str, value: Any) -> bool:
    match expected:
        case "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "String" | "InputFile":
            return isinstance(value, str)
        case "Boolean":
            return isinstance(value, bool)
        case "True":
            return value is True
        case _ if expected.startswith("'"):
            return bool(value == expected[1:-1])
        case _:
            return True


def _read(name: str, expected: str, text: str) -> Any:
    """The value that a form's string stands for."""
    if "Integer" in expected.split(" or ") and re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        return int(text)
    if expected in ("Boolean", "True"):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower(), text)
    if expected in ("Integer", "String") or "String" in expected.split(" or "):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise _unreadable(name) from None


def _unreadable(name: str) -> ApiError:
    return bad_request(f"can't parse {_NOUNS.get(name, name)} JSON object")
