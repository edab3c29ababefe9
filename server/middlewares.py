"""What every request passes, outermost first: counting, refusals in one form, no requests forged by other
sites."""

import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from rooms.errors import MeetingError
from server.access import bearer_token
from server.audit import audit
from server.keys import CATALOGUE, METRICS
from server.origin import is_same_origin
from server.passwords import PasswordsBusy
from server.problems import Problem
from server.seats import SeatRefused
from sfu.control import ControlError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}

_log = structlog.get_logger("http")


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count requests and their time under the route's pattern: ids in labels would grow without end."""
    metrics = request.app[METRICS]
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    began = time.perf_counter()
    with metrics.running.track_inprogress():
        response = await handler(request)
    method = request.method if request.method in _METHODS else "other"
    metrics.requests.labels(method, route, str(response.status)).inc()
    metrics.seconds.labels(route).observe(time.perf_counter() - began)
    return response


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every refusal the same form; what nobody foresaw is logged here and told without its insides."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = Problem.of_http(error)
    except Exception as error:
        foreseen = _foreseen(request, error)
        if foreseen is None and (request.transport is None or request.transport.is_closing()):
            raise  # whoever asked has gone in the middle of the answer: nothing is wrong here
        problem = foreseen or _unforeseen(request)
    return problem.response(request, request.app[CATALOGUE])


def _foreseen(request: web.Request, error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case MeetingError():
            return Problem.of_meeting(error)
        case ControlError():
            return Problem.of_worker(error)
        case SeatRefused():
            return Problem(401, error.code, headers={"WWW-Authenticate": "Bearer"})
        case PasswordsBusy():
            return Problem(503, "busy", headers={"Retry-After": "5"})
        case TimeoutError(errno=None):  # with a number it is a socket of whoever asked
            _log.warning("no answer in time", method=request.method, path=request.path)
            return Problem(503, "media_unavailable", headers={"Retry-After": "2"})
    return None


def _unforeseen(request: web.Request) -> Problem:
    _log.exception("request failed", method=request.method, path=request.path)
    return Problem(500, "internal_error")


@web.middleware
async def refuse_forgeries(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site makes a browser send (CSRF).

    A bearer token is in no browser's hands by itself. Otherwise every browser since 2020 says on an unsafe
    request where it comes from, in Sec-Fetch-Site or at least in Origin; what says neither is a program.
    """
    if request.method not in SAFE_METHODS and bearer_token(request) is None and not is_same_origin(request):
        audit(request, "forgery_refused", path=request.path)
        raise Problem(403, "cross_site")
    return await handler(request)


MIDDLEWARES = (measure, tell_problems, refuse_forgeries)
