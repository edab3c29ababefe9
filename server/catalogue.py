"""The catalogue: every sentence that people read, in each language."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("vi", "en")
"""The first is what we speak when in doubt."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


class CatalogueError(Exception):
    """A file of the catalogue is missing, is not JSON, or says something twice."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language's sentences, and the bytes in which browsers get them."""

    sentences: Mapping[str, str]
    body: bytes
    etag: str


class Catalogue:
    """All languages, merged from `locales/{language}/{area}.json`."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._languages = languages

    @classmethod
    def load(cls, directory: Path) -> "Catalogue":
        """Read every file. Raises CatalogueError."""
        return cls({language: _load_language(directory / language) for language in LANGUAGES})

    def language(self, name: str) -> Language | None:
        """Return one language, None when we do not speak it."""
        return self._languages.get(name)

    def sentence(self, language: str, key: str, **values: object) -> str:
        """Return a sentence with its `{placeholders}` filled; the key itself when nobody wrote it."""
        template = self._languages[language].sentences.get(key, key)
        return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), template)

    def messages(self, code: str, **values: object) -> dict[str, str]:
        """Return the sentence of an error code in every language."""
        return {language: self.sentence(language, f"errors.{code}", **values) for language in LANGUAGES}


def preferred_language(accept_language: str) -> str:
    """Return the language of ours that an Accept-Language header likes best."""
    best, best_weight = LANGUAGES[0], 0.0
    for part in accept_language[:500].split(","):
        tag, _, parameter = part.strip().lower().partition(";")
        name = tag.split("-")[0].strip()
        weight = _weight(parameter.strip())
        if name in LANGUAGES and weight > best_weight:
            best, best_weight = name, weight
    return best


def _weight(parameter: str) -> float:
    match = _WEIGHT.fullmatch(parameter)
    return float(match[1]) if match else 1.0


def _load_language(directory: Path) -> Language:
    paths = sorted(directory.glob("*.json"))
    if not paths:
        raise CatalogueError(f"{directory} holds no sentences")
    sentences: dict[str, str] = {}
    for path in paths:
        area = _read(path)
        twice = sentences.keys() & area.keys()
        if twice:
            raise CatalogueError(f"{path} repeats {min(twice)}")
        sentences |= area
    body = json.dumps(sentences, ensure_ascii=False, separators=(",", ":")).encode()
    return Language(sentences, body, hashlib.sha256(body).hexdigest()[:32])


def _read(path: Path) -> dict[str, str]:
    try:
        area = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(area, dict) or not all(isinstance(text, str) for text in area.values()):
        raise CatalogueError(f"{path} is not a flat list of sentences")
    return area
