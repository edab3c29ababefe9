"""The server under load as programs see it: its HTTP interface and its counters."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from server.load.errors import LoadError

_SAMPLE = re.compile(r'^(diemcau_sfu_\w+)\{worker="([^"]*)"\} (\S+)$', re.MULTILINE)
_REQUEST_WITHIN_S = 30.0
# A worker that is slow to answer for its counters is left out of one scrape, not of the next.
_SCRAPES = 4


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and whether to believe its certificate: by the system's authorities, by `ca`, or blindly."""

    url: str
    ca: str = ""
    insecure: bool = False

    def connector(self) -> aiohttp.TCPConnector:
        """For any number of connections at once."""
        if self.insecure:
            return aiohttp.TCPConnector(limit=0, ssl=False)
        return aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=self.ca or None))


@dataclass(frozen=True, slots=True)
class Counters:
    """One worker's totals; `resident_kb` is 0 where the server does not tell."""

    sent: float
    cpu_s: float
    resident_kb: float


class Site:
    """A session with the HTTP interface. Methods raise LoadError."""

    def __init__(self, address: Address, session: aiohttp.ClientSession) -> None:
        self._address = address
        self._session = session
        self._headers: dict[str, str] = {}

    async def sign_in(self, username: str, password: str) -> None:
        """What follows is asked for by this user."""
        answer = await self._ask("POST", "/api/v1/login", username=username, password=password)
        self._headers = {"Authorization": f"Bearer {answer['token']}"}

    async def create_meeting(self, title: str) -> str:
        """A meeting of one's own; its id."""
        return str((await self._ask("POST", "/api/v1/meetings", title=title))["id"])

    async def seat(self, meeting: str, name: str) -> dict[str, str]:
        """A delegate's seat in one's own meeting: token and participant_id."""
        return dict(await self._ask("POST", f"/api/v1/meetings/{meeting}/tokens", name=name))

    async def seat_by_link(self, code: str, name: str) -> dict[str, str]:
        """A delegate's seat by the link of somebody else's meeting."""
        return dict(await self._ask("POST", f"/api/v1/links/{code}/seats", name=name))

    async def end_meeting(self, meeting: str) -> None:
        """For all."""
        await self._ask("POST", f"/api/v1/meetings/{meeting}/end")

    async def counters(self) -> dict[str, Counters]:
        """The totals of each media worker by its name; empty where the server does not show them."""
        for _ in range(_SCRAPES):
            text = await self._metrics()
            workers: dict[str, dict[str, float]] = {}
            for name, worker, value in _SAMPLE.findall(text):
                workers.setdefault(worker, {})[name.removesuffix("_total")] = float(value)
            if workers or not text:
                break
        return {worker: _counters(values) for worker, values in workers.items()}

    async def _metrics(self) -> str:
        try:
            async with self._session.get(f"{self._address.url}/metrics") as answer:
                return await answer.text() if answer.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def _ask(self, method: str, path: str, **body: Any) -> Any:
        url = self._address.url + path
        try:
            async with self._session.request(method, url, json=body, headers=self._headers) as answer:
                content = await answer.json(content_type=None)
        except aiohttp.ClientConnectorCertificateError:
            raise LoadError(
                "certificate_unknown", f"{self._address.url}: its certificate is not trusted here"
            ) from None
        except (TimeoutError, aiohttp.ClientError, ValueError, OSError) as error:
            raise LoadError("server_unreachable", f"{self._address.url} does not answer: {error}") from None
        if answer.status >= 400:
            raise LoadError(
                content.get("code", "refused"), f"{method} {path}: {content.get('detail', answer.status)}"
            )
        return content


def _counters(values: dict[str, float]) -> Counters:
    return Counters(
        sent=values.get("diemcau_sfu_packets_sent", 0.0),
        cpu_s=values.get("diemcau_sfu_cpu_seconds", 0.0),
        resident_kb=values.get("diemcau_sfu_resident_kilobytes", 0.0),
    )


@asynccontextmanager
async def visit(address: Address) -> AsyncIterator[Site]:
    """A session until the block ends."""
    timeout = aiohttp.ClientTimeout(total=_REQUEST_WITHIN_S)
    language = {"Accept-Language": "en"}
    async with aiohttp.ClientSession(
        connector=address.connector(), timeout=timeout, headers=language
    ) as session:
        yield Site(address, session)
