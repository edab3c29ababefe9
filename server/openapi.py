"""The OpenAPI 3.1 document, made from the route registry; WHIP and WHEP are written by hand."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.problems import CONTENT_TYPE as PROBLEM_TYPE
from server.routes import Endpoint, Reply

VERSION = "1.0.0"
"""Of the contract, not of the program: the first number is that of /api/v1."""

_REFERENCES = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})*))?\}")


class Sentences(Reply):
    """A sentence for people in each language."""

    vi: str
    en: str


class ProblemDetails(Reply):
    """A refusal (RFC 9457); `code` is stable."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    messages: Sentences


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the document of all these routes."""
    endpoints = list(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    for method, path, name, summary in _SDP_ROUTES:
        paths.setdefault(path, {})[method] = _sdp_operation(method, path, name, summary)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Diemcau", "version": VERSION},
        "paths": paths,
        "components": {"schemas": _schemas(endpoints), "securitySchemes": _SECURITY_SCHEMES},
    }


# WHIP and WHEP speak SDP and not JSON, so they are not in the registry (server/whip.py).
_SDP_ROUTES = (
    ("post", "/whip/{meeting_id}", "whip_publish", "Publish sound and picture (WHIP, RFC 9725)"),
    ("delete", "/whip/{meeting_id}/session/{session_id}", "whip_end", "Stop publishing"),
    ("post", "/whep/{meeting_id}/{participant_id}", "whep_play", "Receive a participant (WHEP)"),
    ("delete", "/whep/{meeting_id}/session/{session_id}", "whep_end", "Stop receiving"),
)
_SDP = {"application/sdp": {"schema": {"type": "string"}}}
_LOCATION = {"description": "The session, to be deleted at the end", "schema": {"type": "string"}}
_SOURCE = {
    "name": "source",
    "in": "query",
    "required": False,
    "description": "Microphone and camera without it",
    "schema": {"type": "string", "enum": ["screen"]},
}

_SECURITY_SCHEMES = {
    "join_token": {"type": "http", "scheme": "bearer", "description": "A seat's token: …/tokens, …/join."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token that /api/v1/login answers."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-diemcau"},
}


def _schemas(endpoints: list[Endpoint]) -> dict[str, Any]:
    bodies = [(endpoint.body, "validation") for endpoint in endpoints if endpoint.body]
    replies = [(endpoint.reply, "serialization") for endpoint in endpoints if endpoint.reply]
    models: Any = [*bodies, *replies, (ProblemDetails, "serialization")]
    _, schema = models_json_schema(list(dict.fromkeys(models)), ref_template=_REFERENCES)
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "operationId": endpoint.handler.__name__,
        "responses": {str(endpoint.status): _success(endpoint), "default": _refusal(endpoint.errors)},
    }
    parameters = [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body:
        content = {"application/json": {"schema": _reference(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.signed_in:
        operation["security"] = [{"bearer": []}, {"cookie": []}]
    return operation


def _sdp_operation(method: str, path: str, name: str, summary: str) -> dict[str, Any]:
    """What an offer is answered by (RFC 9725, 4.2), or the end of what it began."""
    operation: dict[str, Any] = {
        "summary": summary,
        "tags": ["media"],
        "operationId": name,
        "parameters": _path_parameters(path) + ([_SOURCE] if name == "whep_play" else []),
        "responses": {"200": {"description": summary}, "default": _refusal(())},
        "security": [{"join_token": []}],
    }
    if method == "post":
        operation["requestBody"] = {"required": True, "content": _SDP}
        created = {"description": summary, "headers": {"Location": _LOCATION}, "content": _SDP}
        operation["responses"] = {"201": created, "default": _refusal(())}
    return operation


def _success(endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.reply:
        answer["content"] = {"application/json": {"schema": _reference(endpoint.reply)}}
    elif endpoint.media_types:
        answer["content"] = {media_type: {} for media_type in endpoint.media_types}
    return answer


def _refusal(errors: Sequence[str]) -> dict[str, Any]:
    described = f"Refused: {', '.join(errors)}" if errors else "Refused"
    return {"description": described, "content": {PROBLEM_TYPE: {"schema": _reference(ProblemDetails)}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    found = []
    for name, pattern in _PARAMETER.findall(path):
        schema = {"type": "string", "pattern": f"^{pattern}$"} if pattern else {"type": "string"}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _query_parameters(query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(ref_template=_REFERENCES)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": described}
        for name, described in schema["properties"].items()
    ]


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCES.format(model=model.__name__)}
