"""The first administrator."""

from aiohttp import web
from pydantic import Field

from server.access import set_session_cookie
from server.api.models import SignedInReply
from server.api.throttle import give_back, take
from server.audit import audit
from server.auth import PasswordTooLong, PasswordTooShort, SetupLinkInvalid
from server.keys import AUTH, LIMITS
from server.passwords import PASSWORD_MAX, PASSWORD_MIN, PasswordsBusy
from server.problems import Problem
from server.routes import Api, Body, json_response

api = Api("session")


class Setup(Body):
    """The token of the printed link, and the password that the administrator chose."""

    token: str = Field(min_length=1, max_length=200)
    password: str


@api.post(
    "/api/v1/setup",
    "Choose the first administrator's password",
    errors=("setup_link_invalid", "password_too_short", "password_too_long", "too_many_attempts"),
    reply=SignedInReply,
)
async def set_up(request: web.Request, body: Setup) -> web.Response:
    """Make the account `admin` and sign in. The link works once."""
    limiter = request.app[LIMITS].sign_in
    take(request, limiter)
    try:
        signed_in = await request.app[AUTH].set_up(body.token, body.password)
    except SetupLinkInvalid as error:
        audit(request, "setup_refused")
        raise Problem(403, error.code) from None
    except PasswordsBusy:
        give_back(request, limiter)
        raise
    except (PasswordTooShort, PasswordTooLong) as error:
        raise Problem(400, error.code, min=PASSWORD_MIN, max=PASSWORD_MAX) from None
    give_back(request, limiter)
    audit(request, "set_up", user=signed_in.user.user_id)
    response = json_response(SignedInReply.of(signed_in))
    set_session_cookie(request, response, signed_in)
    return response
