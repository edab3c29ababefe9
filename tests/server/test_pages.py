"""The shell, its files, the catalogue: what is served and what is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from server.pages import STATIC_DIRECTORY
from tests.support.site import Site, serve


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A small static folder with things that must not get out."""
    root = tmp_path / "static"
    for path, text in {
        "index.html": "<!doctype html><title>shell</title>",
        "app.js": "start();",
        "notes.txt": "secret",
        ".hidden.js": "secret",
        "components/home/page.js": "page",
        "vendor/lit.mjs": "lit",
        "vendor/lit.d.mts": "secret",
        "vendor/fonts/inter.woff2": "font",
        "vendor-entries/build.mjs": "secret",
        "styles/main.css": "css",
        "mark.svg": "<svg/>",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "locales").symlink_to(STATIC_DIRECTORY / "locales")
    (tmp_path / "outside.js").write_text("secret")
    return root


@pytest.fixture
async def small(tmp_path: Path, static: Path) -> AsyncIterator[Site]:
    async with serve(tmp_path, static=static) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/", "/setup", "/m/mfqk7-txx4p-9hcwa", "/archive", "/archive/abc", "/m/x?lang=en"]
)
async def test_every_page_is_the_shell(small: Site, path: str) -> None:
    async with small.client().get(path) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "shell" in await answer.text()
        etag = answer.headers["ETag"]
    async with small.client().get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
        assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("components/home/page.js", "text/javascript; charset=utf-8"),
        ("vendor/lit.mjs", "text/javascript; charset=utf-8"),
        ("vendor/fonts/inter.woff2", "font/woff2"),
        ("styles/main.css", "text/css; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ],
)
async def test_files_are_served_by_kind(small: Site, path: str, content_type: str) -> None:
    async with small.client().get(f"/static/{path}") as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "notes.txt",
        ".hidden.js",
        "vendor/lit.d.mts",
        "vendor-entries/build.mjs",
        "locales/vi/errors.json",
        "none.js",
        "components",
        "components/",
        "../outside.js",
        "%2e%2e/outside.js",
        "..%2foutside.js",
        "components/..%2f..%2foutside.js",
        "components%2fhome%2f..%2f..%2f.hidden.js",
        "/etc/passwd",
        "%00",
        "app.js%00",
        "a" * 5000,
    ],
)
async def test_nothing_else_gets_out(small: Site, path: str) -> None:
    url = URL(f"{small.url}/static/{path}", encoded=True)
    async with small.client().get(url) as answer:
        assert answer.status == 404
        assert "secret" not in await answer.text()


async def test_a_wrong_address_is_shown_to_people_as_a_page(small: Site) -> None:
    async with small.client().get("/nowhere", headers={"Accept": "text/html,*/*"}) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert "shell" in await answer.text()
    async with small.client().get("/api/v1/links/x", headers={"Accept": "text/html"}) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_the_catalogue_is_one_file_a_language(small: Site) -> None:
    async with small.client().get("/locales/vi.json") as answer:
        assert answer.status == 200
        assert (await answer.json())["errors.meeting_ended"] == "Cuộc họp đã kết thúc."
        etag = answer.headers["ETag"]
    async with small.client().get("/locales/vi.json", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    for name in ("fr.json", "vi", "..%2fvi.json", "vi.json.json"):
        async with small.client().get(URL(f"{small.url}/locales/{name}", encoded=True)) as answer:
            assert answer.status == 404
