"""What describes us: OpenAPI, the catalogue, health and metrics."""

import ast
import json
import re
from pathlib import Path

import pytest

import rooms.errors
from server import api, problems
from server.catalogue import Catalogue, CatalogueError, preferred_language
from server.pages import STATIC_DIRECTORY
from tests.server.test_meetings import get
from tests.support.site import Site

SERVER = Path(api.__file__).parent.parent


def _codes_in(path: Path) -> set[str]:
    """Return every error code in a module: `Problem(status, "code")` and an exception's `code = "code"`."""
    named: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem" and len(node.args) > 1:
            named.append(node.args[1])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            named.append(node.value)
    return {value.value for value in named if isinstance(value, ast.Constant)}


def all_codes() -> set[str]:
    sources = [*SERVER.rglob("*.py"), Path(rooms.errors.__file__)]
    codes = set().union(*map(_codes_in, sources))
    codes |= {code for endpoint in api.endpoints() for code in endpoint.errors}
    return codes | {"internal_error", *problems._HTTP_CODES.values(), *problems._MEETING_STATUS}


def test_every_code_has_a_sentence_in_both_languages() -> None:
    catalogue = Catalogue.load(STATIC_DIRECTORY / "locales")
    codes = all_codes()
    assert {"sign_in_refused", "field_unknown", "meeting_full", "body_too_large", "internal_error"} <= codes
    for code in sorted(codes):
        for language, sentence in catalogue.messages(code).items():
            assert sentence != f"errors.{code}", f"{code} has no sentence in {language}"


def test_both_languages_say_the_same_things() -> None:
    texts = [
        json.loads((STATIC_DIRECTORY / f"locales/{name}/errors.json").read_text()) for name in ("vi", "en")
    ]
    assert texts[0].keys() == texts[1].keys()
    for key in texts[0]:
        placeholders = [set(re.findall(r"\{\w+\}", text[key])) for text in texts]
        assert placeholders[0] == placeholders[1], key


def test_a_key_said_twice_is_refused(tmp_path: Path) -> None:
    for language in ("vi", "en"):
        (tmp_path / language).mkdir()
        for area in ("a", "b"):
            (tmp_path / language / f"{area}.json").write_text('{"x": "y"}')
    with pytest.raises(CatalogueError, match="repeats x"):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "vi").mkdir()
    (tmp_path / "vi" / "a.json").write_text(content)
    with pytest.raises(CatalogueError, match=r"a\.json"):
        Catalogue.load(tmp_path)


def test_placeholders_are_filled_once() -> None:
    catalogue = Catalogue.load(STATIC_DIRECTORY / "locales")
    sentence = catalogue.sentence("en", "errors.field_unknown", field="{field}{x.__class__}")
    assert sentence == "There is no field “{field}{x.__class__}”."
    assert preferred_language("en;q=x") == "en"


async def test_the_document_describes_every_route(site: Site) -> None:
    document = await get(site.client(), "/api/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    registered = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource
        and route.resource.canonical.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    }
    missing = {(m, p) for m, p in registered if m != "HEAD"} - described
    assert missing == {("GET", "/api/v1/openapi.json")}


async def test_the_document_is_whole(site: Site) -> None:
    document = await get(site.client(), "/api/v1/openapi.json")
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(document["components"]["schemas"])
    names = [item[method]["operationId"] for item in document["paths"].values() for method in item]
    assert len(names) == len(set(names))
    create = document["paths"]["/api/v1/meetings"]["post"]
    assert create["security"] == [{"bearer": []}, {"cookie": []}]
    assert create["responses"]["201"]
    (tokens,) = document["paths"]["/api/v1/meetings/{meeting_id}/tokens"]["post"]["parameters"]
    assert tokens["schema"]["pattern"] == "^[a-z2-7]{26}$"
    body = document["components"]["schemas"]["NewSeat"]
    assert body["additionalProperties"] is False
    assert body["properties"]["role"]["enum"] == ["chair", "secretary", "operator", "delegate", "guest"]


async def test_health_and_readiness(site: Site) -> None:
    assert await get(site.client(), "/healthz") == {"status": "ok"}
    assert await get(site.client(), "/readyz") == {"status": "ready", "failed": []}
    async with site.storage.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE meetings RENAME TO gone")
    async with site.client().get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (503, {"status": "not_ready", "failed": ["storage"]})
    async with site.client().get("/healthz") as answer:
        assert answer.status == 200


async def test_metrics_count_by_pattern_and_not_by_id(site: Site) -> None:
    client = await site.sign_in()
    for name in ("a", "b"):
        async with client.get(f"/m/{name}"), client.get(f"/nowhere/{name}"):
            pass
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    assert 'diemcau_http_requests_total{method="GET",route="/m/{code}",status="200"} 2.0' in text
    assert 'diemcau_http_requests_total{method="GET",route="none",status="404"} 2.0' in text
    assert "nowhere" not in text
