"""What can go wrong: ApiError is the answer to a bot, RefusalError to a person, WorldFileError stops the start."""

from collections.abc import Mapping


class ApiError(Exception):
    """The Bot API refuses a request: `code` as HTTP status and error_code, `description` in Telegram's own words."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class RefusalError(Exception):
    """A person in the sandbox asks for what is not possible: HTTP `status` and one clear sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class WorldFileError(Exception):
    """The file that should hold a sandbox world is torn, or holds something else."""


def bad_request(message: str) -> ApiError:
    """400 with Telegram's prefix; the first letter is lowered as Telegram does, except in words such as URL_INVALID."""
    if len(message) > 1 and not (message[1] == "_" or message[1].isupper()):
        message = message[0].lower() + message[1:]
    return ApiError(400, f"Bad Request: {message}")


def forbidden(message: str) -> ApiError:
    """403: the chat does not want to hear from the bot."""
    return ApiError(403, f"Forbidden: {message}")


def conflict(message: str) -> ApiError:
    """409: two receivers of the same bot's updates."""
    return ApiError(409, f"Conflict: {message}")


def too_many_requests(retry_after: int) -> ApiError:
    """429: the bot must wait `retry_after` seconds."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})
