"""Requests that are not as they should be, and what every answer carries."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server import routes
from server.http_app import RUNNER_OPTIONS
from server.logs import configure
from tests.support.site import Site, serve

LOGIN = "/api/v1/login"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "json_invalid"),
        (b"", {}, 400, "json_invalid"),
        (b"\xff\xfe{}", {}, 400, "json_invalid"),
        (b'{"username": "\\ud800", "password": "x"}', {}, 400, "json_invalid"),
        (b'{"username": NaN, "password": "x"}', {}, 400, "field_invalid"),
        (b"[" * 100_000, {}, 400, "json_invalid"),
        (b'{"a":' * 50_000, {}, 400, "json_invalid"),
        (b"null", {}, 400, "field_invalid"),
        (b'"text"', {}, 400, "field_invalid"),
        (b"{}", {}, 400, "field_missing"),
        (b'{"username": "a", "password": "b", "role": "chair"}', {}, 400, "field_unknown"),
        (b'{"username": ["a"], "password": "b"}', {}, 400, "field_invalid"),
        (b'{"username": "", "password": "b"}', {}, 400, "field_invalid"),
        (b"x" * (1024 * 1024 + 1), {}, 413, "body_too_large"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "json_expected"),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "json_expected"),
        (gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, 415, "encoding_unsupported"),
        (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}, 415, "encoding_unsupported"),
        (b"{}", {"Content-Encoding": "br"}, 415, "encoding_unsupported"),
    ],
)
async def test_a_wrong_body_gets_a_named_refusal(
    site: Site, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    sent = {"Content-Type": "application/json"} | headers
    async with site.client().post(LOGIN, data=io.BytesIO(body), headers=sent) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"]) == (status, code)
    async with site.client().get("/healthz") as answer:
        assert answer.status == 200


async def test_a_body_of_unknown_length_is_cut_off(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    async with site.client().post(LOGIN, data=endless(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_slow_body_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_BODY_TIMEOUT_S", 0.2)
    parts = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
)
async def test_a_silent_connection_is_closed(tmp_path: Path, sent: bytes) -> None:
    assert RUNNER_OPTIONS["keepalive_timeout"] == 15.0
    async with serve(tmp_path, idle_s=0.3) as site:
        parts = urlsplit(site.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(sent)
        await asyncio.wait_for(reader.read(), 5)  # up to the end, which comes from the server
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("GET", "/api/v1/login", 405, "method_not_allowed"),
        ("TRACE", "/", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/meetings", 405, "method_not_allowed"),
        ("OPTIONS", "/api/v1/meetings", 405, "method_not_allowed"),
    ],
)
async def test_a_wrong_address_or_method(site: Site, method: str, path: str, status: int, code: str) -> None:
    async with site.client().request(method, path) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"], problem["status"]) == (status, code, status)
        assert problem["type"] == "about:blank"
        if status == 405:
            assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "vi"),
        ("en", "en"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("vi,en;q=0.5", "vi"),
        ("fr,de;q=0.9", "vi"),
        ("fr;q=1, en;q=0.1", "en"),
        ("en;q=0, vi;q=0.1", "vi"),
        ("x" * 100_000, "vi"),
    ],
)
async def test_the_detail_is_in_the_readers_language(site: Site, accepted: str, language: str) -> None:
    if len(accepted) > 8000:
        accepted = accepted[:8000]
    headers = {"Accept-Language": accepted} if accepted else {}
    async with site.client().get("/api/v1/me", headers=headers) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert answer.headers["Content-Language"] == language
    assert problem["detail"] == problem["messages"][language]
    assert set(problem["messages"]) == {"vi", "en"}


async def test_what_fails_inside_stays_inside(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    async with site.storage.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE login_failures")
    body = {"username": "admin", "password": "secret-password"}
    async with site.client().post(LOGIN, json=body) as answer:
        text = await answer.text()
        assert (answer.status, json.loads(text)["code"]) == (500, "internal_error")
    assert "login_failures" not in text
    assert "Traceback" not in text
    logged = capsys.readouterr()
    assert "request failed" in logged.err
    assert "secret-password" not in logged.out + logged.err


async def test_a_worker_that_does_not_answer_is_no_fault_of_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()

    async def too_late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(site.auth, "sign_in", too_late)
    async with site.client().post(LOGIN, json={"username": "a", "password": "b"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (503, "media_unavailable")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "path",
    ["/", "/setup", "/m/abc", "/healthz", "/nowhere", "/api/v1/me", "/api/v1/openapi.json", "/metrics"],
)
async def test_every_answer_is_armoured(site: Site, path: str) -> None:
    async with site.client().get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "Strict-Transport-Security" not in headers  # plain HTTP


async def test_answers_with_names_are_not_kept(site: Site) -> None:
    client = await site.sign_in()
    async with client.get("/api/v1/meetings") as answer:
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example/x", "a b", "x" * 300, "[::1", "<script>"])
async def test_a_host_that_is_none_makes_no_link(site: Site, host: str) -> None:
    client = await site.sign_in()
    async with client.post("/api/v1/meetings", json={"title": "x"}, headers={"Host": host}) as answer:
        assert answer.status == 400


async def test_line_breaks_make_no_second_log_line(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    path = "/api/v1/me%0aaudit%20signed_in%1b[31m"
    async with site.client(Origin="https://evil.example").post(path) as answer:
        assert answer.status == 403
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "forgery_refused" in line)
    assert json.loads(line)["path"] == "/api/v1/me\naudit signed_in\x1b[31m"
