"""Refusals over HTTP: RFC 9457 problem details, with a stable code and a sentence in every language."""

import http
import json
from collections.abc import Mapping

from aiohttp import web

from rooms.errors import MeetingError
from server.catalogue import Catalogue, preferred_language
from sfu.control import ControlError

CONTENT_TYPE = "application/problem+json"

# What a refusal of the meeting's rules means over HTTP; the rest is a conflict with the meeting's state.
_MEETING_STATUS = {
    "meeting_unknown": 404,
    "name_invalid": 400,
    "title_invalid": 400,
    "text_empty": 400,
    "text_too_long": 400,
    "not_allowed": 403,
    "participant_unknown": 404,
    "source_unknown": 404,
    "recording_unknown": 404,
}
# What a media worker refuses is the caller's description, unless it has to do with the worker itself.
_WORKER_TROUBLE = frozenset({"media_unavailable", "peer_limit"})
# Faults of the control link, of which there are no sentences: they would tell nobody anything.
_LINK_FAULTS = frozenset({"internal", "method_unknown", "params_invalid", "reply_too_long"})
# What aiohttp itself refuses; every other status is told in general words.
_HTTP_CODES = {
    400: "request_invalid",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
}


class Problem(Exception):
    """A request was refused. `values` fill the placeholders of the code's sentence."""

    def __init__(
        self, status: int, code: str, *, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.values = values

    @classmethod
    def of_meeting(cls, error: MeetingError) -> "Problem":
        """Return what a refusal of the meeting's rules is over HTTP."""
        return cls(_MEETING_STATUS.get(error.code, 409), error.code)

    @classmethod
    def of_worker(cls, error: ControlError) -> "Problem":
        """Return what a media worker's refusal is over HTTP."""
        code = worker_code(error)
        if code in _WORKER_TROUBLE:
            return cls(503, "media_unavailable", headers={"Retry-After": "2"})
        return cls(400, code)

    @classmethod
    def of_http(cls, error: web.HTTPException) -> "Problem":
        """Return what aiohttp's own refusal is in our words."""
        kept = {name: error.headers[name] for name in ("Allow", "Content-Range") if name in error.headers}
        general = "internal_error" if error.status >= 500 else "request_invalid"
        return cls(error.status, _HTTP_CODES.get(error.status, general), headers=kept)

    def response(self, request: web.BaseRequest, catalogue: Catalogue) -> web.Response:
        """Return the answer, its `detail` in the language of Accept-Language."""
        language = preferred_language(request.headers.get("Accept-Language", ""))
        messages = catalogue.messages(self.code, **self.values)
        body = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": messages[language],
            "messages": messages,
        }
        headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
        return web.Response(
            status=self.status,
            body=json.dumps(body, ensure_ascii=False).encode(),
            content_type=CONTENT_TYPE,
            headers=headers | self.headers,
        )


def worker_code(error: ControlError) -> str:
    """The code by which clients hear of a media worker's refusal; each has its sentences in the catalogue."""
    return "media_unavailable" if error.code in _LINK_FAULTS else error.code
