"""Sealed values open only where they were sealed, with a key that sealed them, and unchanged."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cipher import Cipher, Keyring, KeysError, SealBrokenError, keyring_from_file

OLD, NEW = Keyring({"k1": b"1" * 32}, "k1"), Keyring({"k2": b"2" * 32}, "k2")
ROTATED = Keyring({"k2": b"2" * 32, "k1": b"1" * 32}, "k2")
CIPHER = Cipher(OLD, b"index key")
PLACE = "answer/values/17"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_p7_what_was_sealed_for_a_place_opens_there(text: str, place: str) -> None:
    assert CIPHER.open(CIPHER.seal(text, place), place) == text


@given(TEXTS.filter(lambda text: len(text) > 3))
def test_p7_a_sealed_value_does_not_show_its_text(text: str) -> None:
    sealed = CIPHER.seal(text, PLACE)
    assert text not in sealed
    assert text.encode() not in base64.b64decode(sealed.split("|")[3])


def test_a_sealed_value_is_version_key_id_nonce_and_ciphertext() -> None:
    version, key_id, nonce, ciphertext = CIPHER.seal("Ada", PLACE).split("|")
    assert (version, key_id) == ("v1", "k1")
    assert len(base64.b64decode(nonce)) == 12
    assert len(base64.b64decode(ciphertext)) == len("Ada") + 16


@pytest.mark.parametrize("place", ["answer/values/18", "free_text/text/17", "answer/values/1", ""])
def test_p7_a_value_that_was_moved_to_another_row_or_column_does_not_open(place: str) -> None:
    sealed = CIPHER.seal("no", PLACE)
    with pytest.raises(SealBrokenError):
        CIPHER.open(sealed, place)


@given(st.data())
def test_p7_a_changed_bit_of_nonce_or_ciphertext_does_not_open(data: st.DataObject) -> None:
    parts = CIPHER.seal("no", PLACE).split("|")
    part = data.draw(st.sampled_from([2, 3]))
    raw = bytearray(base64.b64decode(parts[part]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[part] = base64.b64encode(raw).decode()
    with pytest.raises(SealBrokenError):
        CIPHER.open("|".join(parts), PLACE)


@given(st.text() | st.text("v1|k=+/A", max_size=12))
def test_text_that_was_never_sealed_is_one_clear_error(text: str) -> None:
    with pytest.raises(SealBrokenError):
        CIPHER.open(text, PLACE)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed.replace("v1|", "v2|"),
        lambda sealed: sealed.replace("|k1|", "|k9|"),
        lambda sealed: sealed + "|",
        lambda sealed: sealed[:-4],
        lambda sealed: "|".join([*sealed.split("|")[:2], "", sealed.split("|")[3]]),
    ],
    ids=["unknown version", "unknown key id", "a part too many", "cut short", "no nonce"],
)
def test_a_damaged_value_does_not_open(damage) -> None:  # type: ignore[no-untyped-def]
    damaged = damage(CIPHER.seal("a text of some length", PLACE))
    with pytest.raises(SealBrokenError):
        CIPHER.open(damaged, PLACE)


def test_an_error_about_a_seal_names_the_place_and_not_the_text() -> None:
    sealed = CIPHER.seal("Ada Lovelace", PLACE)
    with pytest.raises(SealBrokenError, match=PLACE) as caught:
        Cipher(NEW, b"").open(sealed, PLACE)
    assert "Ada" not in str(caught.value)
    assert sealed not in str(caught.value)


def test_after_a_rotation_old_values_open_and_new_ones_are_sealed_by_the_new_key() -> None:
    old, rotated = CIPHER.seal("before", PLACE), Cipher(ROTATED, b"index key")
    assert rotated.open(old, PLACE) == "before"
    new = rotated.seal("after", PLACE)
    assert new.split("|")[1] == "k2"
    assert Cipher(NEW, b"").open(new, PLACE) == "after"
    with pytest.raises(SealBrokenError):
        CIPHER.open(new, PLACE)


def test_a_key_with_the_same_id_and_other_bytes_opens_nothing() -> None:
    sealed = CIPHER.seal("no", PLACE)
    with pytest.raises(SealBrokenError):
        Cipher(Keyring({"k1": b"3" * 32}, "k1"), b"index key").open(sealed, PLACE)


def test_p7_the_same_text_never_looks_the_same_twice() -> None:
    sealed = [CIPHER.seal("no", PLACE) for _ in range(200)]
    assert len({value.split("|")[2] for value in sealed}) == 200
    assert len({value.split("|")[3] for value in sealed}) == 200


def test_p7_a_blind_index_is_stable_keyed_and_bound_to_its_kind() -> None:
    index = CIPHER.index("chat", "111")
    assert index == Cipher(NEW, b"index key").index("chat", "111"), "it outlives a rotation of the keys"
    others = [CIPHER.index("chat", "112"), CIPHER.index("name", "111"), Cipher(OLD, b"another").index("chat", "111")]
    assert index not in others
    assert index == CIPHER.index("chat", "111")


def test_a_keyring_reads_what_it_writes_and_the_first_key_is_current() -> None:
    read = Keyring.parse(ROTATED.text(), source="TAPERLINE_KEYS")
    assert read == ROTATED
    assert read.current == "k2"
    assert Keyring.parse(" " + ROTATED.text().replace(",", " ,\n") + ",\n", source="TAPERLINE_KEYS") == ROTATED


def test_every_generated_key_is_a_new_one() -> None:
    keys = [Keyring.generate().keys["k1"] for _ in range(20)]
    assert len(set(keys)) == 20
    assert {len(key) for key in keys} == {32}


GOOD = base64.b64encode(b"1" * 32).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no key"),
        (" ,\n", "holds no key"),
        (GOOD, "k1:<32 bytes in base64>"),
        (f":{GOOD}", "k1:<32 bytes in base64>"),
        (f"a|b:{GOOD}", "k1:<32 bytes in base64>"),
        ("k1:", "k1:<32 bytes in base64>"),
        ("k1:not base64!", "k1:<32 bytes in base64>"),
        (f"“k1:{GOOD}”", "k1:<32 bytes in base64>"),
        (f"k1:{GOOD[:-4]}", "k1:<32 bytes in base64>"),
        (f"k1:{base64.b64encode(b'1' * 33).decode()}", "k1:<32 bytes in base64>"),
        (f"k1:{GOOD},k2:short", "k1:<32 bytes in base64>"),
        (f"k1:{GOOD},k1:{GOOD}", "k1 twice"),
    ],
)
def test_malformed_keys_are_refused_with_the_name_of_the_setting_and_without_the_key(text: str, words: str) -> None:
    with pytest.raises(KeysError) as caught:
        Keyring.parse(text, source="TAPERLINE_KEYS")
    assert words in str(caught.value)
    assert str(caught.value).startswith("TAPERLINE_KEYS ")
    assert GOOD[:8] not in str(caught.value)


def test_p7_a_keyring_that_is_printed_does_not_show_its_keys() -> None:
    assert "1111" not in repr(OLD)
    assert "k1" in repr(OLD)


def test_a_missing_key_file_is_made_for_its_owner_only_and_opens_again(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "taperline.keys"
    umask = os.umask(0)
    try:
        made = keyring_from_file(file, create=True)
    finally:
        os.umask(umask)
    assert file.stat().st_mode & 0o777 == 0o600
    assert keyring_from_file(file, create=False) == made
    assert keyring_from_file(file, create=True) == made, "an existing file is never made again"


def test_a_key_file_that_is_missing_beside_a_database_is_asked_for_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "taperline.keys"
    with pytest.raises(KeysError, match=r"is missing.*Restore"):
        keyring_from_file(file, create=False)
    assert not file.exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_p7_a_key_file_that_others_can_open_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    file = tmp_path / "taperline.keys"
    keyring_from_file(file, create=True)
    file.chmod(mode)
    with pytest.raises(KeysError, match=f"chmod 600 {file}"):
        keyring_from_file(file, create=False)


@pytest.mark.parametrize("content", [b"", b"k1:zzz\n", b"\xff\xfe\x00", "k1:é".encode()])
def test_a_key_file_with_other_content_is_named_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "taperline.keys"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeysError, match=str(file)):
        keyring_from_file(file, create=True)
    assert file.read_bytes() == content


def test_a_key_file_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("a file")
    with pytest.raises(KeysError, match=r"cannot be made.*DATABASE_URL"):
        keyring_from_file(tmp_path / "in the way" / "taperline.keys", create=True)
