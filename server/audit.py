"""The audit trail: who did what to whom, from where. Never tokens, passwords or what people wrote."""

import structlog
from aiohttp import web

from server.client import client_address

_log = structlog.get_logger("audit")


def audit(request: web.Request, action: str, **details: object) -> None:
    """Write one line. Values are quoted by the log's renderer, so that no line break of theirs makes a second
    one."""
    _log.info(action, address=client_address(request), **details)
