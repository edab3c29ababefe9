"""The words of the documents, from the catalogue that the browser uses too."""

import json
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["vi", "en"]

_LOCALES = Path(__file__).parents[2] / "static" / "locales"


class Catalogue:
    """The sentences of one language. A key that is missing is a mistake of ours and raises KeyError."""

    def __init__(self, sentences: dict[str, str]) -> None:
        self._sentences = sentences

    def __call__(self, key: str, **values: object) -> str:
        """Return the sentence `minutes.{key}` with its {placeholders} filled.

        Each placeholder is replaced once, so braces that people typed stay what they are.
        """
        pieces = self._sentences[f"minutes.{key}"].split("{")
        filled = [pieces[0]]
        for piece in pieces[1:]:
            name, rest = piece.split("}", 1)
            filled.append(f"{values[name]}{rest}")
        return "".join(filled)

    def __contains__(self, key: str) -> bool:
        return f"minutes.{key}" in self._sentences


@cache
def catalogue(language: Language) -> Catalogue:
    """Return the catalogue of a language."""
    path = _LOCALES / language / "minutes.json"
    return Catalogue(json.loads(path.read_text(encoding="utf-8")))
