"""YAML and JSON without surprises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import plain_yaml
from flows.plain_yaml import UnreadableError


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: on", "on"),
        ("a: N", "N"),
        ("a: True", "True"),
        ("a: true", True),
        ("a: false", False),
        ("a: ~", None),
        ("a: null", None),
        ("a: =", "="),
        ("a: 2026-11-23", "2026-11-23"),
        ("a: 12:30", "12:30"),
        ("a: 0112", "0112"),
        ("a: 0x10", "0x10"),
        ("a: 1_000", "1_000"),
        ("a: .nan", ".nan"),
        ("a: .inf", ".inf"),
        ("a: 0", 0),
        ("a: -7", -7),
        ("a: 0.25", 0.25),
        ("a: .5", 0.5),
        ("a: 1e3", 1000.0),
        ('{"a": "no"}', "no"),
        ('{\n\t"a":\t1\n}', 1),
        ('{"a": "\\ud83d\\ude00 \\/"}', "😀 /"),
        ("\ufeff{'a': 1}", 1),
        ('\ufeff{"a": 1}', 1),
        ("{a: no}", "no"),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, content: Any) -> None:
    read = plain_yaml.read(text, "f.yaml")["a"]
    assert (type(read), read) == (type(content), content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: 'a' stands twice"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ("a: [1, 2", "line"),
        ("? [a]\n: b", "unhashable"),
        ("a: &x [*x]", "recursive"),
        ("a: &x {b: *x}", "recursive"),
        ("!!python/object/apply:os.system ['true']", "constructor"),
        ('!!int ""', "cannot be read"),
        ("!!bool maybe", "cannot be read"),
        ("!!timestamp soon", "cannot be read"),
        ("a: \x00", "f.yaml"),
        ("a: \ud800", "f.yaml"),
        ('{"a": "\\ud83d"}', "cannot be read"),
        ('{"a": NaN}', "NaN is not a number"),
        ("9" * 5000, "cannot be read"),
        ("[" * 200_000, "nested deeper"),
        ("- " * 200_000, "nested deeper"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested deeper"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence_that_names_the_file(text: str, words: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        plain_yaml.read(text, "f.yaml")
    assert str(refused.value).startswith("f.yaml")
    assert words in str(refused.value)


def test_brackets_inside_words_are_no_nesting() -> None:
    assert plain_yaml.read(json.dumps({"a": '[{"' * 500}), "f.json") == {"a": '[{"' * 500}


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**15), 10**15)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=8,
        ),
    ),
    st.booleans(),
    st.sampled_from([None, 2, "\t"]),
)
def test_every_json_object_is_read_as_json_means_it(content: Any, ascii_only: bool, indent: Any) -> None:
    assert plain_yaml.read(json.dumps(content, ensure_ascii=ascii_only, indent=indent), "f.json") == content


@given(st.text(alphabet=st.characters() | st.sampled_from("{}[]:-&*!|>'\"\n\t ?,#%@=<"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        plain_yaml.read(text, "f.yaml")
    except UnreadableError as error:
        assert str(error).startswith("f.yaml")
