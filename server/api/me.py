"""Who is asking."""

from aiohttp import web

from server.api.models import UserReply
from server.auth import Identity
from server.routes import Api

api = Api("session")


@api.get("/api/v1/me", "Who is signed in")
async def me(_: web.Request, identity: Identity) -> UserReply:
    """Return the account of this session."""
    return UserReply.of(identity.user)
