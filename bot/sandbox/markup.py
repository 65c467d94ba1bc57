"""Telegram's HTML and MarkdownV2, parsed into text and spans with Telegram's own complaints."""

import re
from dataclasses import dataclass
from typing import NoReturn

from bot.sandbox.errors import bad_request

HTML_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "pre": "pre",
    "code": "code",
    "blockquote": "blockquote",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


@dataclass(frozen=True)
class Span:
    """A stretch of text in characters (not UTF-16 units) with its Telegram type and the fields that go with it."""

    type: str
    start: int
    end: int
    extra: tuple[tuple[str, object], ...] = ()


def _broken(message: str) -> NoReturn:
    raise bad_request(f"can't parse entities: {message}")


def _reference(text: str, at: int) -> tuple[str, int] | None:
    """The character that the reference at `at` stands for and where it ends; None when it is no reference."""
    match = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot)(?![A-Za-z]));?").match(text, at)
    if match is None:
        return None
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED[name], match.end()
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return (chr(code), match.end()) if 0 < code < 0x10FFFF else None


class _OpenTag:
    def __init__(self, name: str, argument: str, start: int) -> None:
        self.name = name
        self.argument = argument
        self.start = start


def parse_html(source: str) -> tuple[str, list[Span]]:
    """Text and spans of Telegram's HTML; ApiError 400 says what is broken and at which byte."""
    output: list[str] = []
    spans: list[Span] = []
    open_tags: list[_OpenTag] = []
    at = 0
    while at < len(source):
        character = source[at]
        reference = _reference(source, at) if character == "&" else None
        if reference:
            output.append(reference[0])
            at = reference[1]
        elif character != "<":
            output.append(character)
            at += 1
        elif source.startswith("</", at):
            at = _close_tag(source, at, open_tags, spans, len(output))
        else:
            at = _open_tag(source, at, open_tags, len(output))
    if open_tags:
        _broken(f'Can\'t find end tag corresponding to start tag "{open_tags[-1].name}"')
    return "".join(output), [s if s.type != "code" else Span(s.type, s.start, s.end) for s in spans]


_ATTRIBUTE = re.compile(r"\s*([^\s=>/\"']*)\s*(=?)\s*")


def _open_tag(source: str, begin: int, open_tags: list[_OpenTag], start: int) -> int:
    offset = len(source[:begin].encode())
    match = re.compile(r"<([^\s>]*)").match(source, begin)
    assert match is not None
    name, at = match[1].lower(), match.end()
    if at >= len(source):
        _broken(f"Unclosed start tag at byte offset {offset}")
    if name not in HTML_TYPES:
        _broken(f'Unsupported start tag "{name}" at byte offset {offset}')
    argument = ""
    while True:
        at += len(source[at:]) - len(source[at:].lstrip())
        if source.startswith(">", at):
            break
        attribute = _ATTRIBUTE.match(source, at)
        assert attribute is not None
        key, at = attribute[1], attribute.end()
        if at >= len(source):
            _broken(f"Unclosed start tag at byte offset {offset}")
        if not key:
            _broken(f'Empty attribute name in the tag "{name}" at byte offset {offset}')
        if not attribute[2]:
            argument = "1" if (name, key) == ("blockquote", "expandable") else argument
            continue
        value, at = _attribute_value(source, at)
        if at >= len(source):
            _broken(f"Unclosed start tag at byte offset {offset}")
        argument = _argument(name, key, value) or argument
    if name == "span" and argument != "spoiler":
        _broken(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    open_tags.append(_OpenTag(name, argument, start))
    return at + 1


def _argument(tag: str, key: str, value: str) -> str:
    match tag, key:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case ("code", "class") if value.startswith("language-"):
            return value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case ("blockquote", "expandable"):
            return "1"
        case _:
            return ""


def _attribute_value(source: str, at: int) -> tuple[str, int]:
    if source[at] not in "\"'":
        match = re.compile(r"[A-Za-z0-9.-]*").match(source, at)
        assert match is not None
        if match.end() < len(source) and not (source[match.end()].isspace() or source[match.end()] == ">"):
            _broken(f"Unexpected end of name token at byte offset {len(source[:at].encode())}")
        return match[0].lower(), match.end()
    quote, at = source[at], at + 1
    value: list[str] = []
    while at < len(source) and source[at] != quote:
        reference = _reference(source, at)
        value.append(reference[0] if reference else source[at])
        at = reference[1] if reference else at + 1
    return "".join(value), at + 1


def _close_tag(source: str, begin: int, open_tags: list[_OpenTag], spans: list[Span], end: int) -> int:
    offset = len(source[:begin].encode())
    if not open_tags:
        _broken(f"Unexpected end tag at byte offset {offset}")
    match = re.compile(r"</([^\s>]*)\s*(>?)").match(source, begin)
    assert match is not None
    if not match[2]:
        _broken(f"Unclosed end tag at byte offset {offset}")
    tag, found_name = open_tags.pop(), match[1].lower()
    if found_name and found_name != tag.name:
        _broken(f'Unmatched end tag at byte offset {offset}, expected "</{tag.name}>", found "</{found_name}>"')
    if end > tag.start:
        _add_span(tag, spans, end)
    return match.end()


def _add_span(tag: _OpenTag, spans: list[Span], end: int) -> None:
    kind, extra = HTML_TYPES[tag.name], ()
    last = spans[-1] if spans and (spans[-1].start, spans[-1].end) == (tag.start, end) else None
    if kind == "text_link":
        spans.append(Span(kind, tag.start, end, (("url", tag.argument),)))
    elif kind == "custom_emoji":
        if not tag.argument.isdigit():
            _broken("Invalid custom emoji identifier specified")
        spans.append(Span(kind, tag.start, end, (("custom_emoji_id", tag.argument),)))
    elif kind == "blockquote" and tag.argument:
        spans.append(Span("expandable_blockquote", tag.start, end))
    elif kind == "pre" and last and last.type == "code" and last.extra:
        spans[-1] = Span("pre", tag.start, end, last.extra)
    elif kind == "code":
        language = (("language", tag.argument),) if tag.argument else ()
        if last and last.type == "pre" and language:
            spans[-1] = Span("pre", tag.start, end, language)
        else:
            spans.append(Span(kind, tag.start, end, language))
    else:
        spans.append(Span(kind, tag.start, end, extra))


_RESERVED = set("_*[]()~`>#+-=|{}.!")
_MARKERS = (("||", "spoiler"), ("__", "underline"), ("*", "bold"), ("_", "italic"), ("~", "strikethrough"))
_NAMES = {"text_link": "TextUrl", "custom_emoji": "CustomEmoji"}


def parse_markdown(source: str) -> tuple[str, list[Span]]:
    """Text and spans of MarkdownV2; ApiError 400 says what is broken and at which byte."""
    return _Markdown(source).parse()


class _Markdown:
    """One pass over MarkdownV2: `open_spans` holds type, start in the output and byte offset in the source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.output: list[str] = []
        self.spans: list[Span] = []
        self.open_spans: list[tuple[str, int, int]] = []
        self.language = ""
        self.quote: int | None = None

    def parse(self) -> tuple[str, list[Span]]:
        while self.at < len(self.source):
            self._step()
        self._end_quote()
        if self.open_spans:
            self._unclosed()
        return "".join(self.output), self.spans

    def _step(self) -> None:
        source, at = self.source, self.at
        character = source[at]
        inside = self.open_spans[-1][0] if self.open_spans else ""
        if character == "\\" and at + 1 < len(source) and ord(source[at + 1]) <= 126:
            self._copy(at + 1)
        elif inside in ("code", "pre"):
            self._code("`" if inside == "code" else "```")
        elif character == "\n":
            self._newline()
        elif character == ">" and (not self.output or self.output[-1] == "\n"):
            self.quote = len(self.output) if self.quote is None else self.quote
            self.at += 1
        elif character == "`":
            self._open_code()
        elif character == "[":
            self._open("text_link", 1)
        elif source.startswith("![", at):
            self._open("custom_emoji", 2)
        elif character == "]" and inside in ("text_link", "custom_emoji"):
            self._close_link()
        elif marker := next((m for m in _MARKERS if source.startswith(m[0], at)), None):
            self._toggle(*marker, inside)
        elif character in _RESERVED:
            _broken(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        else:
            self._copy(at)

    def _copy(self, at: int) -> None:
        self.output.append(self.source[at])
        self.at = at + 1

    def _open(self, kind: str, width: int) -> None:
        self.open_spans.append((kind, len(self.output), self._byte(self.at)))
        self.at += width

    def _close(self, width: int, *extra: tuple[str, object]) -> None:
        kind, start, _ = self.open_spans.pop()
        if len(self.output) > start:
            self.spans.append(Span(kind, start, len(self.output), extra))
        self.at += width

    def _toggle(self, marker: str, kind: str, inside: str) -> None:
        if inside == kind:
            self._close(len(marker))
        else:
            self._open(kind, len(marker))

    def _open_code(self) -> None:
        if not self.source.startswith("```", self.at):
            self._open("code", 1)
            return
        self._open("pre", 3)
        match = re.compile(r"([^\s`]+)(?=\s)").match(self.source, self.at)
        self.language = match[1] if match else ""
        self.at += len(self.language)
        if self.source.startswith("\n", self.at):
            self.at += 1

    def _code(self, end: str) -> None:
        if not self.source.startswith(end, self.at):
            self._copy(self.at)
        elif end == "```" and self.language:
            self._close(len(end), ("language", self.language))
        else:
            self._close(len(end))

    def _close_link(self) -> None:
        kind, start, _ = self.open_spans[-1]
        self.at += 1
        url = "".join(self.output[start:])
        if self.source.startswith("(", self.at):
            url = self._url()
        elif kind == "custom_emoji":
            _broken("The entity must contain a tg://emoji or tg://time URL")
        if kind == "text_link":
            self._close(0, ("url", url))
            return
        match = re.fullmatch(r"tg://emoji\?id=(\d+)", url)
        if match is None:
            _broken("Invalid tg://emoji or tg://time URL specified")
        self._close(0, ("custom_emoji_id", match[1]))

    def _url(self) -> str:
        match = re.compile(r"\(((?:\\[\x01-\x7e]|[^)])*)\)").match(self.source, self.at)
        if match is None:
            _broken(f"Can't find end of a URL at byte offset {self._byte(self.at + 1)}")
        self.at = match.end()
        return re.sub(r"\\([\x01-\x7e])", r"\1", match[1])

    def _newline(self) -> None:
        self._copy(self.at)
        if not self.source.startswith(">", self.at):
            self._end_quote()

    def _end_quote(self) -> None:
        """Close the block quotation, if one is open; two bars at its very end make it expandable."""
        if self.quote is None:
            return
        written = len(self.output) - (1 if self.output[-1:] == ["\n"] else 0)
        kind = "blockquote"
        if self.open_spans and self.open_spans[-1][:2] == ("spoiler", written):
            self.open_spans.pop()
            kind = "expandable_blockquote"
        if self.open_spans:
            self._unclosed()
        self.spans.append(Span(kind, self.quote, len(self.output)))
        self.quote = None

    def _unclosed(self) -> NoReturn:
        kind, _, byte = self.open_spans[-1]
        _broken(f"Can't find end of {_NAMES.get(kind, kind.title())} entity at byte offset {byte}")

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode())
