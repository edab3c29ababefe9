"""Signing in and out."""

import math

from aiohttp import web
from pydantic import Field

from server.access import bearer_token, clear_session_cookie, cookie_name, set_session_cookie
from server.api.models import SignedInReply
from server.api.throttle import give_back, take
from server.audit import audit
from server.auth import USERNAME_MAX, AccountLocked, SignInRefused
from server.keys import AUTH, CLOCK, LIMITS
from server.passwords import PASSWORD_MAX, PasswordsBusy
from server.problems import Problem
from server.routes import Api, Body, json_response

api = Api("session")


class Login(Body):
    """A name and a password."""

    username: str = Field(min_length=1, max_length=USERNAME_MAX)
    password: str = Field(min_length=1, max_length=PASSWORD_MAX)


@api.post(
    "/api/v1/login",
    "Sign in",
    errors=("sign_in_refused", "account_locked", "too_many_attempts"),
    reply=SignedInReply,
)
async def login(request: web.Request, body: Login) -> web.Response:
    """Begin a session, for a program by the token and for a browser by a cookie."""
    limiter = request.app[LIMITS].sign_in
    take(request, limiter)
    try:
        signed_in = await request.app[AUTH].sign_in(body.username, body.password)
    except AccountLocked as error:
        audit(request, "sign_in_locked")
        wait_s = math.ceil((error.until - request.app[CLOCK]()).total_seconds())
        hours = math.ceil(wait_s / 3600)
        raise Problem(429, error.code, headers={"Retry-After": str(wait_s)}, hours=hours) from None
    except PasswordsBusy:
        give_back(request, limiter)
        raise
    except SignInRefused as error:
        audit(request, "sign_in_refused")
        raise Problem(401, error.code) from None
    give_back(request, limiter)
    audit(request, "signed_in", user=signed_in.user.user_id)
    response = json_response(SignedInReply.of(signed_in))
    set_session_cookie(request, response, signed_in)
    return response


@api.post("/api/v1/logout", "Sign out", status=204)
async def logout(request: web.Request) -> web.Response:
    """End the session of this request. Signing out twice is no error."""
    token = bearer_token(request) or request.cookies.get(cookie_name(request))
    if token:
        await request.app[AUTH].sign_out(token)
        audit(request, "signed_out")
    response = web.Response(status=204)
    clear_session_cookie(request, response)
    return response
