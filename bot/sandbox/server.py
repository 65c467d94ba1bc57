"""The sandbox over HTTP: the Bot API for bots, and a plain JSON interface for the chat page and its people."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot import web
from bot.sandbox.dispatch import ConnectionCutError, answer
from bot.sandbox.errors import ApiError, RefusalError
from bot.sandbox.faults import read_fault
from bot.sandbox.people import Sandbox
from bot.sandbox.records import Json, Role, Upload
from bot.sandbox.webhook import Deliveries

Restart = Callable[[], Awaitable[None]]
PAGE = Path(__file__).parent / "page"
_TOKEN_FORM = re.compile(r"\d{1,16}:[A-Za-z0-9_-]{30,64}")
_KEEP_ALIVE_SECONDS = 15


def create_app(sandbox: Sandbox, restart: Restart | None = None) -> Starlette:
    """The sandbox as an ASGI application. `restart`, when given, restarts the bot for POST /sandbox/restart."""
    person = HumanSide(sandbox, restart)
    bot = BotSide(sandbox)
    any_method = ["GET", "POST"]
    routes = [
        Route("/bot{token}/{method}", bot.method, methods=any_method),
        Route("/file/bot{token}/{path:path}", bot.file),
        Route("/", person.page),
        Route("/sandbox/state", person.state),
        Route("/sandbox/events", person.events),
        Route("/sandbox/files/{path:path}", person.file),
        Route("/sandbox/users", person.add_user, methods=["POST"]),
        Route("/sandbox/groups", person.add_group, methods=["POST"]),
        Route("/sandbox/messages", person.say, methods=["POST"]),
        Route("/sandbox/edits", person.edit, methods=["POST"]),
        Route("/sandbox/taps", person.tap, methods=["POST"]),
        Route("/sandbox/block", person.block, methods=["POST"]),
        Route("/sandbox/clock", person.clock, methods=["POST"]),
        Route("/sandbox/faults", person.faults, methods=["GET", "POST", "DELETE"]),
        Route("/sandbox/restart", person.restart, methods=["POST"]),
        Mount("/page", StaticFiles(directory=PAGE, check_dir=False)),
    ]

    @asynccontextmanager
    async def deliveries(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(Deliveries(sandbox).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    handlers = {RefusalError: _refusal, ApiError: _api_error, HTTPException: _http_error}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=deliveries)


@asynccontextmanager
async def serve(
    sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, restart: Restart | None = None
) -> AsyncIterator[str]:
    """Serve in the running event loop and yield the address, http://host:port. Port 0 takes a free one.

    Raises PortTakenError. Open long polls and event streams end when the block ends.
    """
    listener = web.listen(host, port)
    address, bound = listener.getsockname()[:2]
    sandbox.pick_up()
    config = uvicorn.Config(create_app(sandbox, restart), log_config=None, log_level="error", access_log=False)
    async with web.serving(config, listener):
        try:
            yield f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"
        finally:
            sandbox.hang_up()
    sandbox.hang_up()


class BotSide:
    """What a bot calls."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def method(self, request: Request) -> Response:
        """POST or GET /bot<token>/<method>."""
        self._check_token(request.path_params["token"])
        given, files = await _parameters(request)
        work = asyncio.ensure_future(answer(self._sandbox, request.path_params["method"], given, files))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return Response(status_code=499)
            return JSONResponse(work.result())
        except ConnectionCutError:
            return _CutResponse()
        finally:
            work.cancel()
            gone.cancel()

    async def file(self, request: Request) -> Response:
        """GET /file/bot<token>/<file_path>."""
        self._check_token(request.path_params["token"])
        found = self._sandbox.files.by_path(request.path_params["path"])
        if found is None:
            raise ApiError(404, "Not Found")
        return Response(found[1], media_type="application/octet-stream")

    def _check_token(self, token: str) -> None:
        if not _TOKEN_FORM.fullmatch(token):
            raise ApiError(404, "Not Found")
        if not secrets.compare_digest(token, self._sandbox.token):
            raise ApiError(401, "Unauthorized")


class HumanSide:
    """What the chat page calls: people, not bots."""

    def __init__(self, sandbox: Sandbox, restart: Restart | None) -> None:
        self._sandbox = sandbox
        self._restart = restart
        self._bot_status = "up"

    async def page(self, _: Request) -> Response:
        """GET /: the chat page."""
        index = PAGE / "index.html"
        if not index.is_file():
            raise RefusalError(404, "The chat page is not installed.")
        return FileResponse(index)

    async def state(self, _: Request) -> Response:
        """GET /sandbox/state: the whole world."""
        state = self._sandbox.state()
        state["bot"]["status"] = self._bot_status
        return JSONResponse({**state, "controls": {"restart": self._restart is not None}})

    async def events(self, _: Request) -> Response:
        """GET /sandbox/events: everything that changes, as Server-Sent Events."""
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=headers)

    async def _stream(self) -> AsyncIterator[str]:
        with self._sandbox.subscribe() as queue:
            yield ": the sandbox is listening\n\n"
            while True:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                        event = await queue.get()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if event is None:
                    return
                yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n"

    async def file(self, request: Request) -> Response:
        """GET /sandbox/files/<path>: a sent file, with the type it was sent with."""
        found = self._sandbox.files.by_path(request.path_params["path"])
        if found is None:
            raise RefusalError(404, "There is no such file.")
        stored, content = found
        shown = stored.mime.startswith(("image/png", "image/jpeg", "image/gif", "audio/"))
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline" if shown else "attachment"}
        return Response(content, media_type=stored.mime, headers=headers)

    async def add_user(self, request: Request) -> Response:
        """POST /sandbox/users."""
        fields = await _fields(request, "first_name", "last_name", "username", "language_code", "role", "about")
        given: Json = {name: _string(fields, name) for name in fields if name != "role"}
        if not given.get("first_name"):
            raise RefusalError(400, "A person needs a first_name.")
        if fields.get("role", Role.PATIENT) not in [role.value for role in Role]:
            raise RefusalError(400, "The role of a person is patient or clinician.")
        return JSONResponse(self._sandbox.add_user(**given, role=Role(fields.get("role", Role.PATIENT))).as_json())

    async def add_group(self, request: Request) -> Response:
        """POST /sandbox/groups."""
        fields = await _fields(request, "title", "members")
        members = fields.get("members")
        if not isinstance(members, list) or not all(isinstance(member, int) for member in members):
            raise RefusalError(400, "The members of a group are a list of ids.")
        chat = self._sandbox.add_group(_string(fields, "title"), list(members))
        return JSONResponse(self._sandbox.chat_state(chat))

    async def say(self, request: Request) -> Response:
        """POST /sandbox/messages, as JSON or, with a file, as multipart/form-data."""
        names = ("user", "chat", "text", "kind", "caption", "reply_to", "forward_from", "raw", "file")
        fields = await _fields(request, *names)
        upload = fields.get("file")
        if upload is not None and not isinstance(upload, Upload):
            raise RefusalError(400, "A file is sent as multipart/form-data.")
        given: Json = {name: _string(fields, name) for name in ("kind", "caption", "forward_from") if name in fields}
        given |= {name: _number(fields, name) for name in ("chat", "reply_to") if name in fields}
        given |= {"file": upload, "raw": fields.get("raw") in (True, "true")}
        text = _string(fields, "text") if "text" in fields else None
        message = self._sandbox.say(_number(fields, "user"), text, **given)
        return JSONResponse(message)

    async def edit(self, request: Request) -> Response:
        """POST /sandbox/edits."""
        fields = await _fields(request, "user", "message_id", "text")
        message_id = _number(fields, "message_id")
        return JSONResponse(self._sandbox.edit(_number(fields, "user"), message_id, _string(fields, "text")))

    async def tap(self, request: Request) -> Response:
        """POST /sandbox/taps."""
        fields = await _fields(request, "user", "message_id", "data", "row", "column", "forged")
        query_id = self._sandbox.tap(
            _number(fields, "user"),
            _number(fields, "message_id"),
            _string(fields, "data") if "data" in fields else None,
            row=_number(fields, "row") if "row" in fields else None,
            column=_number(fields, "column") if "column" in fields else 0,
            forged=fields.get("forged") is True,
        )
        return JSONResponse({"callback_query_id": query_id})

    async def block(self, request: Request) -> Response:
        """POST /sandbox/block."""
        fields = await _fields(request, "user", "blocked")
        if not isinstance(fields.get("blocked"), bool):
            raise RefusalError(400, 'The field "blocked" is true or false.')
        self._sandbox.block(_number(fields, "user"), fields["blocked"])
        return JSONResponse({"blocked": fields["blocked"]})

    async def clock(self, request: Request) -> Response:
        """POST /sandbox/clock."""
        fields = await _fields(request, "advance", "until", "timezone")
        if fields.get("until") == "morning":
            try:
                now = self._sandbox.advance_to_morning(fields.get("timezone", "America/Los_Angeles"))
            except (ZoneInfoNotFoundError, ValueError, TypeError):
                raise RefusalError(400, "There is no such time zone.") from None
        else:
            seconds = fields.get("advance")
            if (
                not isinstance(seconds, int | float)
                or isinstance(seconds, bool)
                or not 0 <= seconds <= 10 * 366 * 86400
            ):
                raise RefusalError(400, "The clock is advanced by a number of seconds, or until morning.")
            now = self._sandbox.advance(seconds)
        return JSONResponse({"now": now.isoformat()})

    async def faults(self, request: Request) -> Response:
        """GET, POST one, or DELETE all: /sandbox/faults."""
        if request.method == "POST":
            self._sandbox.inject(read_fault(await _json_object(request)))
        elif request.method == "DELETE":
            self._sandbox.clear_faults()
        return JSONResponse([fault.as_json() for fault in self._sandbox.faults.waiting])

    async def restart(self, _: Request) -> Response:
        """POST /sandbox/restart."""
        if self._restart is None:
            raise RefusalError(409, "This sandbox does not run the bot itself, so it can't restart it.")
        self._tell_status("restarting")
        try:
            await self._restart()
        except Exception:
            self._tell_status("down")
            raise
        self._tell_status("up")
        return JSONResponse({"status": self._bot_status})

    def _tell_status(self, status: str) -> None:
        self._bot_status = status
        self._sandbox.tell({"type": "bot", "status": status})


class _CutResponse(Response):
    """Promises an answer and hangs up before its first byte."""

    def __init__(self) -> None:
        super().__init__(headers={"Content-Length": "1"})


async def _gone(request: Request) -> None:
    """Return when the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _parameters(request: Request) -> tuple[Json, dict[str, Upload]]:
    """Parameters and files out of the query and the body, whatever its form. Raises ApiError 400 for a broken body."""
    given: Json = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            body = await request.body()
            fields = json.loads(body) if body else {}
            if not isinstance(fields, dict):
                raise ApiError(400, "Bad Request: object expected as the request's body")
            return {**given, **fields}, {}
        form = await _form(request)
    except (ValueError, MultiPartException, HTTPException, ClientDisconnect):
        raise ApiError(400, "Bad Request: can't parse the request's body") from None
    files = {name: value for name, value in form.items() if isinstance(value, Upload)}
    return {**given, **{name: value for name, value in form.items() if name not in files}}, files


async def _form(request: Request) -> Json:
    fields: Json = {}
    async with request.form(max_part_size=1 << 20) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                mime = value.content_type or "application/octet-stream"
                fields[name] = Upload(value.filename or name, mime, await value.read())
            else:
                fields[name] = value
    return fields


async def _fields(request: Request, *known: str) -> Json:
    """The fields of a person's request. Raises RefusalError 400 when one is unknown or the body is broken."""
    multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
    try:
        fields = await _form(request) if multipart else await _json_object(request)
    except (MultiPartException, HTTPException):
        raise RefusalError(400, "The request's body can't be read.") from None
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise RefusalError(400, f'There is no field "{unknown[0]}" here.')
    return {name: value for name, value in fields.items() if value is not None}


async def _json_object(request: Request) -> Json:
    try:
        fields = json.loads(await request.body())
    except ValueError:
        raise RefusalError(400, "The request's body is not JSON.") from None
    if not isinstance(fields, dict):
        raise RefusalError(400, "The request's body is not a JSON object.")
    return fields


def _string(fields: Json, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or re.search("[\ud800-\udfff]", value):
        raise RefusalError(400, f'The field "{name}" must be a text.')
    return value


def _number(fields: Json, name: str) -> int:
    value: Any = fields.get(name)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusalError(400, f'The field "{name}" must be a whole number.')
    return value


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)
    return JSONResponse({"error": str(error)}, error.status)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    headers = {}
    if error.parameters:
        body["parameters"] = dict(error.parameters)
        headers = {"Retry-After": str(error.parameters["retry_after"])}
    return JSONResponse(body, error.code, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(("/bot", "/file/bot")):
        return await _api_error(request, ApiError(error.status_code, error.detail))
    return JSONResponse({"error": f"{error.detail}."}, error.status_code)
