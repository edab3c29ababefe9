"""Signing in over HTTP: right and wrong, limits, cookies, forged requests."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from argon2 import PasswordHasher

from server import passwords
from server.auth import setup_path
from server.passwords import Passwords
from tests.support.site import PASSWORD, Site, serve

RIGHT = {"username": "admin", "password": PASSWORD}
WRONG = {"username": "admin", "password": "wrong"}


async def login(client: aiohttp.ClientSession, body: dict[str, str]) -> tuple[int, dict]:
    async with client.post("/api/v1/login", json=body) as answer:
        return answer.status, await answer.json()


async def status(client: aiohttp.ClientSession, path: str = "/api/v1/me", **headers: str) -> int:
    async with client.get(path, headers=headers) as answer:
        return answer.status


async def test_signing_in_gives_a_token(site: Site) -> None:
    code, answer = await login(site.client(), RIGHT)
    assert code == 200
    assert answer["user"] | {"id": ""} == {"id": "", "username": "admin", "name": "admin", "is_admin": True}
    assert await status(site.client(answer["token"])) == 200
    assert answer["expires_at"] == "2026-11-23T13:00:00.000Z"


async def test_the_name_in_another_case_is_the_same(site: Site) -> None:
    assert (await login(site.client(), {"username": "Admin", "password": PASSWORD}))[0] == 200


@pytest.mark.parametrize("username", ["admin", "nobody", "đ", "' OR 1=1"])
async def test_a_wrong_name_and_a_wrong_password_look_alike(site: Site, username: str) -> None:
    code, answer = await login(site.client(), {"username": username, "password": "wrong"})
    assert (code, answer["code"]) == (401, "sign_in_refused")
    assert answer["messages"]["vi"] == "Tên đăng nhập hoặc mật khẩu không đúng."


def test_nobodys_password_takes_as_long_as_anybodys() -> None:
    assert not PasswordHasher().check_needs_rehash(passwords.NOBODY)


class CountingHasher(PasswordHasher):
    """Counts the expensive part."""

    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - the library's name
        self.verified += 1
        return super().verify(hash, password)


async def test_an_unknown_name_costs_as_much_as_a_known_one() -> None:
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    encoded = hasher.hash("right")
    checker = Passwords(hasher, hasher.hash("nobody"))
    for whose, expected in ((encoded, True), (None, False)):
        hasher.verified = 0
        assert await checker.matches(whose, "right") is expected
        assert hasher.verified == 1
    assert not await checker.matches(None, "nobody")
    checker.close()


async def test_five_wrong_passwords_lock_the_account_for_hours(site: Site) -> None:
    client = site.client()
    assert [(await login(client, WRONG))[0] for _ in range(5)] == [401] * 5
    code, answer = await login(client, RIGHT)
    assert (code, answer["code"]) == (429, "account_locked")
    assert "12 giờ" in answer["messages"]["vi"]
    site.clock.advance(hours=12)
    assert (await login(client, RIGHT))[0] == 200


async def test_guesses_at_once_are_counted_one_by_one(site: Site) -> None:
    client = site.client()
    codes = [code for code, _ in await asyncio.gather(*(login(client, WRONG) for _ in range(20)))]
    assert (codes.count(401), codes.count(429)) == (5, 15)


async def test_the_right_password_many_times_at_once_signs_in_each_time(site: Site) -> None:
    client = site.client()
    assert {code for code, _ in await asyncio.gather(*(login(client, RIGHT) for _ in range(10)))} == {200}


async def test_who_was_not_judged_for_want_of_time_has_not_failed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = site.client()
    with monkeypatch.context() as crowded:
        crowded.setattr(passwords, "_WAITING_MAX", 0)
        codes = [(await login(client, RIGHT))[0] for _ in range(40)]
    assert codes == [503] * 40
    assert (await login(client, RIGHT))[0] == 200


async def test_an_unknown_name_is_locked_like_a_known_one(site: Site) -> None:
    body = {"username": "nobody", "password": "x"}
    assert [(await login(site.client(), body))[0] for _ in range(6)] == [401] * 5 + [429]


async def test_a_right_password_ends_the_count(site: Site) -> None:
    for _ in range(3):
        assert [(await login(site.client(), WRONG))[0] for _ in range(4)] == [401] * 4
        assert (await login(site.client(), RIGHT))[0] == 200


async def test_an_address_that_tries_many_names_is_slowed(site: Site) -> None:
    client, codes = site.client(), []
    for number in range(40):
        code, answer = await login(client, {"username": f"user{number}", "password": "x"})
        codes.append(code)
    assert codes.count(401) in range(30, 33)
    assert answer["code"] == "too_many_attempts"


async def test_a_session_ends_with_the_working_day(site: Site) -> None:
    client = await site.sign_in()
    site.clock.advance(hours=11, minutes=59)
    assert await status(client) == 200
    site.clock.advance(minutes=1)
    assert await status(client) == 401


async def test_a_browser_is_signed_out_when_idle(site: Site) -> None:
    browser = site.browser()
    assert (await login(browser, RIGHT))[0] == 200
    for _ in range(3):
        site.clock.advance(minutes=10)
        assert await status(browser) == 200
    site.clock.advance(minutes=16)
    assert await status(browser) == 401


async def test_signing_out_ends_the_session_everywhere(site: Site) -> None:
    browser = site.browser()
    token = (await login(browser, RIGHT))[1]["token"]
    async with browser.post("/api/v1/logout", json={}) as answer:
        assert answer.status == 204
    assert await status(browser) == 401
    assert await status(site.client(token)) == 401
    async with browser.post("/api/v1/logout", json={}) as answer:
        assert answer.status == 204


async def test_the_cookie_is_out_of_reach(site: Site) -> None:
    async with site.browser().post("/api/v1/login", json=RIGHT) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("diemcau=")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_behind_a_trusted_tls_proxy_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    async with serve(tmp_path, trusted_proxies="127.0.0.1/32") as site:
        client = site.client(**{"X-Forwarded-Proto": "https"})
        async with client.post("/api/v1/login", json=RIGHT) as answer:
            cookie = answer.headers["Set-Cookie"]
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert cookie.startswith("__Host-diemcau=")
    assert "Secure" in cookie


@pytest.mark.parametrize(
    "header",
    [
        "Bearer x",
        "Bearer ",
        "Bearer " + "x" * 5000,
        "Basic YWRtaW46YWRtaW4=",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    ],
)
async def test_a_forged_token_is_refused(site: Site, header: str) -> None:
    async with site.client().get("/api/v1/me", headers={"Authorization": header}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["code"] == "sign_in_required"


async def test_a_wrong_bearer_token_does_not_fall_back_to_the_cookie(site: Site) -> None:
    browser = site.browser()
    await login(browser, RIGHT)
    assert await status(browser, Authorization="Bearer x") == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}, 403),
        ({"Origin": "SELF"}, 201),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "SELF.evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({}, 201),
    ],
)
async def test_another_site_cannot_use_the_cookie(site: Site, headers: dict[str, str], expected: int) -> None:
    async with site.browser().post("/api/v1/login", json=RIGHT) as answer:
        cookie = f"diemcau={answer.cookies['diemcau'].value}"
    sent = {name: value.replace("SELF", site.url) for name, value in headers.items()}
    async with site.client(Cookie=cookie).post(
        "/api/v1/meetings", json={"title": "x"}, headers=sent
    ) as answer:
        assert answer.status == expected
        if expected == 403:
            assert (await answer.json())["code"] == "cross_site"


async def test_a_form_of_another_site_cannot_sign_anybody_in(site: Site) -> None:
    headers = {"Origin": "https://evil.example"}
    async with site.client().post("/api/v1/login", json=RIGHT, headers=headers) as answer:
        assert answer.status == 403


async def test_an_untrusted_proxy_header_does_not_dodge_the_limit(site: Site) -> None:
    codes = []
    for number in range(40):
        client = site.client(**{"X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": f"192.0.2.{number}"})
        codes.append((await login(client, {"username": f"user{number}", "password": "x"}))[0])
    assert 429 in codes


async def test_a_trusted_proxy_tells_the_addresses_apart(tmp_path: Path) -> None:
    async with serve(tmp_path, trusted_proxies="127.0.0.0/8") as site:
        codes = []
        for number in range(40):
            client = site.client(**{"X-Forwarded-For": f"6.6.6.6, 192.0.2.{number}"})
            codes.append((await login(client, {"username": f"user{number}", "password": "x"}))[0])
        assert codes == [401] * 40


class TestSetUp:
    async def test_the_first_administrator_chooses_a_password(self, tmp_path: Path) -> None:
        async with serve(tmp_path, admin_password=None) as site:
            token = await site.auth.first_run()
            assert token is not None
            assert setup_path(token) == f"/setup#t={token}"
            browser = site.browser()
            for body, code, expected in (
                ({"token": "x", "password": PASSWORD}, 403, "setup_link_invalid"),
                ({"token": token, "password": "short"}, 400, "password_too_short"),
                ({"token": token, "password": "x" * 1025}, 400, "password_too_long"),
            ):
                async with browser.post("/api/v1/setup", json=body) as answer:
                    assert (answer.status, (await answer.json())["code"]) == (code, expected)
            async with browser.post("/api/v1/setup", json={"token": token, "password": PASSWORD}) as answer:
                assert answer.status == 200
            assert await status(browser) == 200
            async with browser.post("/api/v1/setup", json={"token": token, "password": PASSWORD}) as answer:
                assert answer.status == 403
            assert (await login(site.client(), RIGHT))[0] == 200
            assert await site.auth.first_run() is None

    async def test_a_new_start_makes_the_old_link_worthless(self, tmp_path: Path) -> None:
        async with serve(tmp_path, admin_password=None) as site:
            old = await site.auth.first_run()
            new = await site.auth.first_run()
            site.clock.advance(hours=23)
            for token, expected in ((old, 403), (new, 200)):
                body = {"token": token, "password": PASSWORD}
                async with site.client().post("/api/v1/setup", json=body) as answer:
                    assert answer.status == expected

    async def test_a_link_expires(self, tmp_path: Path) -> None:
        async with serve(tmp_path, admin_password=None) as site:
            token = await site.auth.first_run()
            site.clock.advance(hours=24)
            async with site.client().post(
                "/api/v1/setup", json={"token": token, "password": PASSWORD}
            ) as answer:
                assert answer.status == 403

    async def test_with_a_password_in_the_settings_there_is_no_link(self, site: Site) -> None:
        assert await site.auth.first_run() is None
