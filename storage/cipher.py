"""Sealed columns: AES-256-GCM, bound to the place where a value stands; and a blind index for looking up."""

import base64
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flows.errors import TaperlineError

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = "v1"


class KeysError(TaperlineError):
    """The keys are missing, malformed, or not those that sealed this database."""


class SealBrokenError(TaperlineError):
    """A sealed value does not open: it was changed, moved to another row, or sealed by another key."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Master keys by id; `current` seals, all of them open."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    @classmethod
    def parse(cls, text: str, *, source: str) -> "Keyring":
        """Read `id:base64,id:base64`; the first is the current one. `source` names the setting or file, for errors."""
        keys: dict[str, bytes] = {}
        for part in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
            key_id, _, encoded = part.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:
                key = b""
            if not key_id or "|" in key_id or len(key) != KEY_BYTES:
                raise KeysError(
                    f"{source} must hold keys such as k1:<{KEY_BYTES} bytes in base64>, with commas between them. "
                    f"Make one with: echo k1:$(openssl rand -base64 {KEY_BYTES})"
                )
            if key_id in keys:
                raise KeysError(f"{source} has the key id {key_id} twice.")
            keys[key_id] = key
        if not keys:
            raise KeysError(f"{source} holds no key. Restore it from your backup.")
        return cls(keys, next(iter(keys)))

    @classmethod
    def generate(cls) -> "Keyring":
        """A keyring with one new random key."""
        return cls({"k1": secrets.token_bytes(KEY_BYTES)}, "k1")

    def text(self) -> str:
        """The form that `parse` reads."""
        return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in self.keys.items())


def keyring_from_file(path: Path, *, create: bool) -> Keyring:
    """The keyring in a key file, which must be readable by its owner only; with `create`, a missing one is made (0600).

    Raises KeysError when it is missing (and not to be made), open to others, or malformed.
    """
    if not path.exists():
        if not create:
            raise KeysError(
                f"The key file {path} is missing, but the database is there. Restore the file from your backup."
            )
        keyring = Keyring.generate()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(keyring.text() + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise KeysError(
                f"The key file {path} cannot be made: {error.strerror}. Set DATABASE_URL to another place."
            ) from error
        return keyring
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeysError(f"The key file {path} can be read by others. Run: chmod 600 {path}")
    try:
        return Keyring.parse(path.read_text(encoding="ascii"), source=f"The key file {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"The key file {path} cannot be read: {error}") from error


class Cipher:
    """Seals and opens values, and makes blind indexes. Safe to use from several threads."""

    def __init__(self, keyring: Keyring, index_key: bytes) -> None:
        self._current = keyring.current
        self._keys = {key_id: AESGCM(key) for key_id, key in keyring.keys.items()}
        self._index_key = index_key

    def seal(self, text: str, place: str) -> str:
        """Seal a text for one place, named table/column/row: `v1|key id|nonce|ciphertext`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(nonce, text.encode(), place.encode())
        return "|".join((VERSION, self._current, _encode(nonce), _encode(sealed)))

    def open(self, sealed: str, place: str) -> str:
        """The text that was sealed for this place. Raises SealBrokenError."""
        try:
            version, key_id, nonce, ciphertext = sealed.split("|")
            if version != VERSION:
                raise ValueError(version)
            return self._keys[key_id].decrypt(_decode(nonce), _decode(ciphertext), place.encode()).decode()
        except (ValueError, KeyError, InvalidTag) as error:
            raise SealBrokenError(f"The sealed value at {place} does not open with these keys.") from error

    def index(self, kind: str, value: str) -> str:
        """A keyed fingerprint to look a value up by, without storing it."""
        return hmac.new(self._index_key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
