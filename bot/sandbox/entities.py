"""Text with entities: what a bot formatted, what Telegram finds by itself, and back to safe HTML."""

import html
import re
from collections.abc import Callable, Iterable

from bot.sandbox.errors import bad_request
from bot.sandbox.markup import HTML_TYPES, Span, parse_html, parse_markdown
from bot.sandbox.records import Json

FindUser = Callable[[int], Json | None]

_ENTITY_TYPES = {*HTML_TYPES.values(), "expandable_blockquote", "text_mention"}
_FOUND_TYPES = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "date_time"}
_TAGS = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ("<blockquote>", "</blockquote>"),
    "spoiler": ('<span class="spoiler">', "</span>"),
}
_FINDERS = (
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[a-z\d-]+\.)+[a-z]{2,}\b", re.IGNORECASE)),
    (
        "url",
        re.compile(
            r"(?<![\w@.])(?:https?://[^\s<>\"]+"
            r"|(?:[a-z\d-]+\.)+(?:com|org|net|gov|edu|io|me|info|app|dev|us|uk|eu|de|es|fr)\b(?:[/?#][^\s<>\"]*)?)",
            re.IGNORECASE,
        ),
    ),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>@])", re.ASCII)),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z0-9_]{3,32}(?!\w)", re.ASCII)),
    ("hashtag", re.compile(r"(?<!\w)#(?!\d+\b)\w{1,256}")),
)


def units(text: str) -> int:
    """Length in UTF-16 code units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def formatted(
    text: str, parse_mode: str | None, given: list[Json] | None, find_user: FindUser
) -> tuple[str, list[Json]]:
    """Text and entities as Telegram would keep them: parsed, checked, trimmed, with links and commands found.

    Raises ApiError 400 in Telegram's words when the markup is broken or nothing is left of the text.
    """
    if len(text.encode()) > 1 << 15:
        raise bad_request("text is too long")
    mode = (parse_mode or "none").lower()
    if mode == "html":
        text, spans = parse_html(text)
    elif mode == "markdownv2":
        text, spans = parse_markdown(text)
    elif mode == "markdown":
        raise bad_request("the sandbox does not serve the legacy parse_mode Markdown; use MarkdownV2 or HTML")
    elif mode == "none":
        spans = _given_spans(text, given or [])
    else:
        raise bad_request("unsupported parse_mode")
    spans = [kept for span in spans if (kept := _resolved(span, text, find_user))]
    left = len(text) - len(text.lstrip())
    stripped = text.strip()
    spans = _clipped(spans, left, len(stripped))
    return stripped, _as_entities(stripped, spans + _found(stripped, spans))


def found(text: str) -> list[Json]:
    """The entities that Telegram finds in what a person typed."""
    return _as_entities(text, _found(text, []))


def to_html(text: str, entities: Iterable[Json]) -> str:
    """Safe HTML: everything escaped, only tags for formatting, links only to the web, to mail and to Telegram."""
    place = _Places(text)
    waiting = sorted(
        ((place.of(e["offset"]), place.of(e["offset"] + e["length"]), e) for e in entities), key=lambda s: (s[0], -s[1])
    )
    output: list[str] = []
    open_spans: list[tuple[int, str, str]] = []
    position = 0
    while True:
        stops = [end for end, _, _ in open_spans] + [start for start, _, _ in waiting[:1]] + [len(text)]
        stop = min(stops)
        output.append(html.escape(text[position:stop]))
        position = stop
        reopened = []
        while any(end <= position for end, _, _ in open_spans):
            end, start_tag, end_tag = open_spans.pop()
            output.append(end_tag)
            if end > position:
                reopened.append((end, start_tag, end_tag))
        for span in reversed(reopened):
            output.append(span[1])
            open_spans.append(span)
        while waiting and waiting[0][0] <= position:
            _, end, entity = waiting.pop(0)
            start_tag, end_tag = _tags(entity, text[position:end])
            if start_tag and end > position:
                output.append(start_tag)
                open_spans.append((end, start_tag, end_tag))
        if position >= len(text) and not open_spans:
            return "".join(output)


class _Places:
    """Turns UTF-16 offsets into character positions; an offset inside a pair counts as the pair's start."""

    def __init__(self, text: str) -> None:
        self._starts: dict[int, int] = {}
        offset = 0
        for index, character in enumerate(text):
            width = 2 if ord(character) > 0xFFFF else 1
            for unit in range(width):
                self._starts[offset + unit] = index
            offset += width
        self._end, self._length = offset, len(text)

    def of(self, offset: int) -> int:
        return self._length if offset >= self._end else self._starts[offset]


def _tags(entity: Json, covered: str) -> tuple[str, str]:
    link = {"text_link": entity.get("url", ""), "url": covered, "email": f"mailto:{covered}"}.get(entity["type"])
    if link is None:
        return _TAGS.get(entity["type"], ("", ""))
    if "://" not in link and not link.startswith("mailto:"):
        link = f"http://{link}"
    if link.partition(":")[0].lower() not in ("http", "https", "tg", "mailto"):
        return "", ""
    return f'<a href="{html.escape(link)}" target="_blank" rel="noopener noreferrer">', "</a>"


def _as_entities(text: str, spans: Iterable[Span]) -> list[Json]:
    before = [0]
    for character in text:
        before.append(before[-1] + (2 if ord(character) > 0xFFFF else 1))
    return [
        {"type": s.type, "offset": before[s.start], "length": before[s.end] - before[s.start], **dict(s.extra)}
        for s in sorted(spans, key=lambda s: (s.start, -s.end))
        if s.end > s.start
    ]


def _clipped(spans: list[Span], left: int, length: int) -> list[Span]:
    return [Span(s.type, max(s.start - left, 0), min(s.end - left, length), s.extra) for s in spans]


def _found(text: str, taken: list[Span]) -> list[Span]:
    closed = [s for s in taken if s.type in ("code", "pre", "text_link", "text_mention")]
    spans: list[Span] = []
    for kind, pattern in _FINDERS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if kind == "url":
                end = start + len(match.group().rstrip(".,:;!?)'»”"))
            if not any(s.start < end and start < s.end for s in (*closed, *spans)):
                spans.append(Span(kind, start, end))
    return spans


def _resolved(span: Span, text: str, find_user: FindUser) -> Span | None:
    """A link's span with a checked address, or the mention of a known person; None when Telegram would drop it."""
    if span.type != "text_link":
        return span
    url = str(dict(span.extra).get("url") or text[span.start : span.end])
    if mentioned := re.fullmatch(r"tg://user\?id=([0-9]{1,16})", url):
        user = find_user(int(mentioned[1]))
        return Span("text_mention", span.start, span.end, (("user", user),)) if user else None
    match = re.fullmatch(r"(?:(https?|tg)://)?([^\s/?#:]+(?::\d+)?)([/?#]\S*)?", url, re.IGNORECASE)
    if match is None:
        return None
    scheme, host, rest = match[1] or "http", match[2], match[3] or ""
    if scheme.lower() != "tg" and "." not in host and not host.startswith("localhost"):
        return None
    return Span("text_link", span.start, span.end, (("url", f"{scheme}://{host}{rest or '/'}"),))


def _given_spans(text: str, given: list[Json]) -> list[Span]:
    place = _Places(text)
    total = units(text)
    spans = []
    for entity in given:
        kind, offset, length = entity["type"], entity["offset"], entity["length"]
        if kind in _FOUND_TYPES:
            continue
        if kind not in _ENTITY_TYPES:
            raise bad_request("can't parse MessageEntity: unsupported type specified")
        if not 0 <= offset <= 1_000_000:
            raise bad_request(f"receive an entity with incorrect offset {offset}")
        if not 0 <= length <= 1_000_000:
            raise bad_request(f"receive an entity with incorrect length {length}")
        if offset > total:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {offset}")
        if offset + length > total:
            end = offset + length
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
            )
        extra = {name: entity[name] for name in ("url", "user", "language", "custom_emoji_id") if name in entity}
        if kind == "text_mention" and "user" in extra:
            kind, extra = "text_link", {"url": f"tg://user?id={extra['user']['id']}"}
        spans.append(Span(kind, place.of(offset), place.of(offset + length), tuple(extra.items())))
    return spans
