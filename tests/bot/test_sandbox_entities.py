"""Formatted text in the sandbox: the same text and entities as Telegram's, and HTML that is safe to show."""

# ruff: noqa: E501 - the tables have one case to a line

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.entities import formatted, found, to_html, units
from bot.sandbox.errors import ApiError
from bot.sandbox.records import Json

SAM = {"id": 5, "is_bot": False, "first_name": "Sam"}


def parsed(text: str, mode: str | None = "HTML") -> tuple[str, list[Json]]:
    return formatted(text, mode, None, lambda user_id: SAM if user_id == 5 else None)


def entity(kind: str, offset: int, length: int, **extra: object) -> Json:
    return {"type": kind, "offset": offset, "length": length, **extra}


@pytest.mark.parametrize(
    ("markup", "text", "entities"),
    [
        ("😀<b>b<i>bi</i></b>", "😀bbi", [entity("bold", 2, 3), entity("italic", 3, 2)]),
        ("  <u>x</u>  ", "x", [entity("underline", 0, 1)]),
        ("&lt;b&gt; &amp; &quot;&#33;&#x1F600;", '<b> & "!😀', []),
        ("&nbsp;&copy", "&nbsp;&copy", []),
        ('<a href="tg://user?id=5">Sam</a>', "Sam", [entity("text_mention", 0, 3, user=SAM)]),
        ('<a href="tg://user?id=6">Sam</a>', "Sam", []),
        ("<a href='example.com'>e</a>", "e", [entity("text_link", 0, 1, url="http://example.com/")]),
        ("<a href='nowhere'>e</a>", "e", []),
        ('<pre><code class="language-py">x</code></pre>', "x", [entity("pre", 0, 1, language="py")]),
        ('<code class="language-py">x</code>', "x", [entity("code", 0, 1)]),
        ("<tg-spoiler>a</tg-spoiler><span class='tg-spoiler'>b</span>", "ab", [entity("spoiler", 0, 1), entity("spoiler", 1, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [entity("expandable_blockquote", 0, 1)]),
        ("<b></b>x", "x", []),
        ("<B>x</b>", "x", [entity("bold", 0, 1)]),
    ],
)  # fmt: skip
def test_html_becomes_text_and_entities(markup: str, text: str, entities: list[Json]) -> None:
    assert parsed(markup) == (text, entities)


@pytest.mark.parametrize(
    ("markup", "text", "entities"),
    [
        ("*b _i_*", "b i", [entity("bold", 0, 3), entity("italic", 2, 1)]),
        ("__u__ ~s~ ||p||", "u s p", [entity("underline", 0, 1), entity("strikethrough", 2, 1), entity("spoiler", 4, 1)]),
        (r"[l](https://a.b/c\)) \.", "l .", [entity("text_link", 0, 1, url="https://a.b/c)")]),
        ("`a_b` ```py\nx```", "a_b x", [entity("code", 0, 3), entity("pre", 4, 1, language="py")]),
        (">q1\n>q2\nrest", "q1\nq2\nrest", [entity("blockquote", 0, 6)]),
        (">q||", "q", [entity("expandable_blockquote", 0, 1)]),
        ("![😀](tg://emoji?id=55)", "😀", [entity("custom_emoji", 0, 2, custom_emoji_id="55")]),
    ],
)  # fmt: skip
def test_markdown_becomes_text_and_entities(markup: str, text: str, entities: list[Json]) -> None:
    assert parsed(markup, "MarkdownV2") == (text, entities)


@pytest.mark.parametrize(
    ("mode", "markup", "complaint"),
    [
        ("HTML", "é<div>", 'Unsupported start tag "div" at byte offset 2'),
        ("HTML", "a < b", 'Unsupported start tag "" at byte offset 2'),
        ("HTML", "<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("HTML", "</b>", "Unexpected end tag at byte offset 0"),
        ("HTML", "<b", "Unclosed start tag at byte offset 0"),
        ("HTML", "<b>x</b", "Unclosed end tag at byte offset 4"),
        ("HTML", "<span class='x'>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("HTML", "<a href=x$>a</a>", "Unexpected end of name token at byte offset 8"),
        ("HTML", '<a ="x">a</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("MarkdownV2", "*b", "Can't find end of Bold entity at byte offset 0"),
        ("MarkdownV2", "a-b", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("MarkdownV2", "[x](y", "Can't find end of a URL at byte offset 4"),
        ("MarkdownV2", "![x]", "The entity must contain a tg://emoji or tg://time URL"),
        ("MarkdownV2", ">*q\nx*", "Can't find end of Bold entity at byte offset 1"),
    ],
)
def test_broken_markup_is_refused_in_telegrams_words(mode: str, markup: str, complaint: str) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(markup, mode)
    assert refused.value.description == f"Bad Request: can't parse entities: {complaint}"


def test_commands_links_and_mentions_are_found() -> None:
    text = "see /start@taperline_bot https://a.org/b, sam@x.org @dr_lee #tag /"
    kinds = [(e["type"], text[e["offset"] : e["offset"] + e["length"]]) for e in found(text)]
    assert kinds == [
        ("bot_command", "/start@taperline_bot"),
        ("url", "https://a.org/b"),
        ("email", "sam@x.org"),
        ("mention", "@dr_lee"),
        ("hashtag", "#tag"),
    ]


@pytest.mark.parametrize(
    ("given_entities", "complaint"),
    [
        ([entity("sparkle", 0, 1)], "can't parse MessageEntity: unsupported type specified"),
        ([entity("bold", 9, 1)], "entity begins after the end of the text at UTF-16 offset 9"),
        ([entity("bold", -1, 1)], "receive an entity with incorrect offset -1"),
        ([entity("bold", 1, 9)], "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 10"),
    ],
)  # fmt: skip
def test_entities_outside_of_the_text_are_refused(given_entities: list[Json], complaint: str) -> None:
    with pytest.raises(ApiError, match=complaint):
        formatted("abc", None, given_entities, lambda _: None)


def test_html_for_the_chat_page_is_safe_and_well_nested() -> None:
    overlapping = [entity("bold", 0, 3), entity("italic", 2, 3)]
    assert to_html("a<b>c", overlapping) == "<b>a&lt;<i>b</i></b><i>&gt;c</i>"
    assert "href" not in to_html("x", [entity("text_link", 0, 1, url="data://text/html,x")])
    assert 'onload="' not in to_html("x", [entity("text_link", 0, 1, url='http://x" onload="y')])


@given(st.text(alphabet="ab<>/&;\"' *_[]()~`|!>\\\n.😀"))
def test_no_markup_breaks_the_parsers(text: str) -> None:
    for mode in ("HTML", "MarkdownV2"):
        try:
            plain, entities = parsed(text, mode)
        except ApiError as error:
            assert error.code == 400
        else:
            assert all(0 <= e["offset"] < e["offset"] + e["length"] <= units(plain) for e in entities)
            to_html(plain, entities)


@given(st.text())
def test_what_people_type_can_always_be_shown(text: str) -> None:
    shown = to_html(text, found(text))
    assert "<script" not in shown
