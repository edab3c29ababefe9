"""The route registry: one table from which requests are checked, answered and described (OpenAPI 3.1).

A handler is an async function of the request and, by the names of its parameters, of what the registry
prepares: `identity: Identity` (signed in, else 401), `body: Model` (a JSON body), `query: Model` (the query
string). It returns a model, which becomes JSON with the route's status, or a response of its own.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from server.access import require_identity
from server.problems import Problem

BODY_MAX = 1024 * 1024
"""Bytes of a request body."""
# Long enough for a megabyte over a commune's line, short enough that a slow sender holds nothing for long.
_BODY_TIMEOUT_S = 15
_FIELD_MAX = 64

ApiHandler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=ApiHandler)
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A JSON body: what is not asked for is refused, so that nobody assigns a role to themselves."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Query(BaseModel):
    """A query string; what is not known is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Reply(BaseModel):
    """A JSON answer."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route, as it is registered and described."""

    method: str
    path: str
    tag: str
    summary: str
    status: int
    errors: tuple[str, ...]
    media_types: tuple[str, ...]
    handler: ApiHandler
    signed_in: bool
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    reply: type[BaseModel] | None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check, prepare, call and answer. Raises Problem."""
        arguments: dict[str, Any] = {}
        if self.signed_in:
            arguments["identity"] = await require_identity(request)
        if self.query is not None:
            arguments["query"] = read_query(request, self.query)
        if self.body is not None:
            arguments["body"] = await read_body(request, self.body)
        result = await self.handler(request, **arguments)
        return json_response(result, self.status) if isinstance(result, BaseModel) else result


class Api:
    """The routes of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, summary: str, **options: Any) -> Callable[[H], H]:
        """Register a handler for GET and HEAD. Options are those of `route`."""
        return self.route("GET", path, summary, **options)

    def post(self, path: str, summary: str, **options: Any) -> Callable[[H], H]:
        """Register a handler for POST. Options are those of `route`."""
        return self.route("POST", path, summary, **options)

    def route(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        status: int = 200,
        errors: tuple[str, ...] = (),
        media_types: tuple[str, ...] = (),
        reply: type[BaseModel] | None = None,
    ) -> Callable[[H], H]:
        """Register a handler: `errors` are its own codes, `media_types` what it answers when that is not
        JSON.

        `reply` tells the model of a handler that makes the response itself, for the sake of a header.
        """

        def register(handler: H) -> H:
            hints = get_type_hints(handler)
            returned = hints.get("return")
            is_model = inspect.isclass(returned) and issubclass(returned, BaseModel)
            endpoint = Endpoint(
                method=method,
                path=path,
                tag=self.tag,
                summary=summary,
                status=status,
                errors=errors,
                media_types=media_types,
                handler=handler,
                signed_in="identity" in hints,
                body=hints.get("body"),
                query=hints.get("query"),
                reply=returned if is_model else reply,
            )
            self.endpoints.append(endpoint)
            return handler

        return register

    def setup_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        for endpoint in self.endpoints:
            add = app.router.add_get if endpoint.method == "GET" else app.router.add_post
            add(endpoint.path, endpoint.handle)


def json_response(model: BaseModel, status: int = 200) -> web.Response:
    """Return a model as JSON that nobody keeps: answers hold tokens and names."""
    body = model.model_dump_json().encode()
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def read_body(request: web.Request, model: type[M]) -> M:
    """Read and check a JSON body. Raises Problem 400, 408, 413 or 415."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "encoding_unsupported")
    if request.content_type != "application/json":
        raise Problem(415, "json_expected")
    if request.content_length is not None and request.content_length > BODY_MAX:
        raise Problem(413, "body_too_large")
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError:
        raise Problem(408, "request_timeout", headers={"Connection": "close"}) from None
    except web.RequestPayloadError:
        raise Problem(400, "request_invalid") from None
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_input=False)[0]) from None


def read_query(request: web.Request, model: type[M]) -> M:
    """Check a query string. Raises Problem 400."""
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_input=False)[0]) from None


def _invalid(error: ErrorDetails) -> Problem:
    kind, field = error["type"], ".".join(map(str, error["loc"]))[:_FIELD_MAX]
    if kind == "json_invalid":
        return Problem(400, "json_invalid")
    if kind == "extra_forbidden":
        return Problem(400, "field_unknown", field=field)
    if kind == "missing":
        return Problem(400, "field_missing", field=field)
    return Problem(400, "field_invalid", field=field or "body")
