"""For machines that watch us."""

from aiohttp import web

from server.keys import METRICS, READINESS
from server.metrics import CONTENT_TYPE
from server.routes import Api, Reply, json_response

api = Api("health")


class HealthReply(Reply):
    """We are here."""

    status: str = "ok"


class ReadinessReply(Reply):
    """Whether meetings can be held now; what fails is named."""

    status: str
    failed: list[str]


@api.get("/healthz", "Is the process alive")
async def healthz(_: web.Request) -> HealthReply:
    """Answer; a process whose loop is stuck does not."""
    return HealthReply()


@api.get("/readyz", "Can it serve", reply=ReadinessReply)
async def readyz(request: web.Request) -> web.Response:
    """Ask every part; 503 when one does not answer well in time."""
    failing = await request.app[READINESS].failing()
    if failing:
        return json_response(ReadinessReply(status="not_ready", failed=failing), 503)
    return json_response(ReadinessReply(status="ready", failed=[]))


@api.get("/metrics", "Counters for Prometheus", media_types=(CONTENT_TYPE,))
async def metrics(request: web.Request) -> web.Response:
    """Return numbers, no names."""
    body = await request.app[METRICS].exposition()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})
