"""Files that people and the bot sent: kept in memory, or in a folder next to the world's file."""

import re
import secrets
import struct
import zlib
from pathlib import Path, PurePosixPath

from bot.sandbox.errors import bad_request
from bot.sandbox.records import Json, StoredFile, Upload

PHOTO_LIMIT = 10 * 1024 * 1024
DOCUMENT_LIMIT = 50 * 1024 * 1024


class Files:
    """Every file of the world by its file_id."""

    def __init__(self, folder: Path | None) -> None:
        self.stored: dict[str, StoredFile] = {}
        self._folder = folder
        self._contents: dict[str, bytes] = {}

    def keep(self, upload: Upload, kind: str) -> StoredFile:
        """Store a file under `kind` (photos, documents, …); a photo's size in pixels is read from its first bytes."""
        file_id, unique = secrets.token_urlsafe(42), secrets.token_urlsafe(12)
        name = re.sub(r"[^\w.() -]", "_", PurePosixPath(upload.name).name)[-60:].strip() or "file"
        width, height = picture_size(upload.content) or (0, 0)
        suffix = PurePosixPath(name).suffix
        path = f"{kind}/file_{unique}{suffix}"
        stored = StoredFile(file_id, unique, path, name, upload.mime, len(upload.content), width, height)
        self.stored[file_id] = stored
        if self._folder:
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(upload.content)
        else:
            self._contents[path] = upload.content
        return stored

    def by_path(self, path: str) -> tuple[StoredFile, bytes] | None:
        """A file and its content; None when nothing was ever stored there."""
        stored = next((file for file in self.stored.values() if file.path == path), None)
        if stored is None:
            return None
        try:
            return stored, (self._folder / path).read_bytes() if self._folder else self._contents[path]
        except OSError:
            return None

    def in_message(self, message: Json) -> list[StoredFile]:
        """The files a message shows: the largest size of its photo, or its document."""
        file_ids = [size["file_id"] for size in message.get("photo", [])[-1:]]
        file_ids += [message[kind]["file_id"] for kind in ("document", "voice", "sticker") if kind in message]
        return [self.stored[file_id] for file_id in file_ids if file_id in self.stored]


def photo_sizes(file: StoredFile) -> list[Json]:
    """Telegram's PhotoSize list; the sandbox keeps the one size it was given."""
    size = {"width": file.width, "height": file.height, "file_size": file.size}
    return [{"file_id": file.file_id, "file_unique_id": file.file_unique_id, **size}]


def document(file: StoredFile) -> Json:
    """Telegram's Document."""
    ids = {"file_id": file.file_id, "file_unique_id": file.file_unique_id}
    return {**ids, "file_name": file.name, "mime_type": file.mime, "file_size": file.size}


def check_photo(upload: Upload) -> None:
    """Raises ApiError 400 when Telegram would not take the file as a photo."""
    if len(upload.content) > PHOTO_LIMIT:
        raise bad_request("file is too big")
    size = picture_size(upload.content)
    if size is None or 0 in size:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(size) > 10_000 or max(size) > 20 * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF or JPEG; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def grey_png(width: int = 320, height: int = 200) -> bytes:
    """A plain grey picture, for the person who sends a photo without having one."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\x00" + b"\xb0" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
