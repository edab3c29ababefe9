"""Who is behind a request, and what of it they may see."""

from aiohttp import web

from server.audit import audit
from server.auth import Identity, SignedIn
from server.client import is_secure
from server.keys import AUTH, SETTINGS, STORAGE
from server.problems import Problem
from server.storage.meetings import MeetingRow

_BEARER = "bearer "
_TOKEN_MAX = 200


def bearer_token(request: web.BaseRequest) -> str | None:
    """Return the token of an Authorization header, None when there is no such header or another scheme."""
    header = request.headers.get("Authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER:
        return None
    return header[len(_BEARER) :].strip()


async def identify(request: web.Request) -> Identity | None:
    """Return who is signed in, by bearer token or by cookie; a wrong bearer token does not fall back to the
    cookie."""
    token, idles = bearer_token(request), False
    if token is None:
        token, idles = request.cookies.get(cookie_name(request)), True
    if not token or len(token) > _TOKEN_MAX:
        return None
    return await request.app[AUTH].identify(token, idles=idles)


async def require_identity(request: web.Request) -> Identity:
    """Return who is signed in. Raises Problem 401."""
    identity = await identify(request)
    if identity is None:
        if bearer_token(request) is not None:
            audit(request, "token_refused", path=request.path)
        raise Problem(401, "sign_in_required", headers={"WWW-Authenticate": "Bearer"})
    return identity


async def managed_meeting(request: web.Request, identity: Identity) -> MeetingRow:
    """Return the meeting that the path names. Raises Problem 404 also when it is somebody else's."""
    meeting = await request.app[STORAGE].meetings.get(request.match_info["meeting_id"])
    if meeting is None or not meeting.is_managed_by(identity.user):
        audit(request, "meeting_refused", user=identity.user.user_id, path=request.path)
        raise Problem(404, "meeting_unknown")
    return meeting


def cookie_name(request: web.Request) -> str:
    """Return the session cookie's name. With `__Host-` a browser takes it only from us, over TLS, for all
    paths."""
    return "__Host-diemcau" if is_secure(request) else "diemcau"


def set_session_cookie(request: web.Request, response: web.StreamResponse, signed_in: SignedIn) -> None:
    """Hand the session to a browser. Strict: no other site's link or form ever carries it."""
    response.set_cookie(
        cookie_name(request),
        signed_in.token,
        max_age=request.app[SETTINGS].session_hours * 3600,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="Strict",
    )


def clear_session_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Take the session from a browser."""
    name, secure = cookie_name(request), is_secure(request)
    response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Strict")
