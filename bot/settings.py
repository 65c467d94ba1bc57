"""Settings, from the environment and `.env`, checked at start."""

from pathlib import Path
from typing import Annotated, Literal

import httpx
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.errors import TaperlineError


class SettingsError(TaperlineError):
    """A setting that is missing or wrong; the text names it and the remedy."""


class Settings(BaseSettings):
    """What the person who runs Taperline can set. `.env.example` explains each."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True)

    telegram_bot_token: SecretStr | None = None
    telegram_base_url: str = "https://api.telegram.org"
    database_url: str = "sqlite:///data/taperline.db"
    taperline_keys: SecretStr | None = None
    public_url: str | None = None
    webhook_secret: SecretStr | None = None
    content_dir: Path | None = None
    fallback_urls: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    heartbeat_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def token(self) -> str:
        """The bot's token in the clear."""
        return self.telegram_bot_token.get_secret_value().strip() if self.telegram_bot_token is not None else ""

    @field_validator("telegram_base_url", "public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """The address of a server alone: the token and `/bot` are added by the client."""
        if value is None:
            return None
        if not _is_sound(value.strip()):
            raise ValueError("must be an address such as https://api.telegram.org")
        return value.strip().rstrip("/").removesuffix("/bot")

    @field_validator("heartbeat_url")
    @classmethod
    def _whole_address(cls, value: SecretStr | None) -> SecretStr | None:
        """An address with its path. It is a secret: whoever knows it can say that all is well."""
        if value is not None and not _is_sound(value.get_secret_value()):
            raise ValueError("must be an address such as https://hc-ping.com/your-id")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("fallback_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("content_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"there is no folder {value}")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        secret = value.get_secret_value() if value else ""
        allowed = all(character.isascii() and (character.isalnum() or character in "_-") for character in secret)
        if not allowed or len(secret) > 256:
            raise ValueError("may hold up to 256 letters, digits, _ and -")
        return value


def read_settings() -> Settings:
    """The settings. Raises SettingsError that names each wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{str(part['loc'][0]).upper()} {_plain(part['msg'])}" for part in error.errors()]
        raise SettingsError("; ".join(wrong) + ". See .env.example.") from None


def _is_sound(address: str) -> bool:
    """Whether this is the address of something that speaks HTTP."""
    try:
        url = httpx.URL(address)
        sound = url.scheme in {"http", "https"} and bool(url.host) and 0 <= (url.port or 0) <= 65535
    except (httpx.InvalidURL, ValueError):
        return False
    return sound and not any(character.isspace() for character in address)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")
