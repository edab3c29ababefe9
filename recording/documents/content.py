"""A document before anybody lays it out: every sentence in its place, in one language, as plain text."""

from dataclasses import dataclass
from typing import Literal

from recording.documents.catalogue import Language

BlockKind = Literal[
    "paragraph", "lead", "heading", "subheading", "item", "message", "blank", "fill", "digest"
]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the body.

    To be written in by the secretary: a `blank` is text with dots to the end of its line, a `fill` two lines
    of dots.
    A `lead` is a paragraph that leads to the next piece; like headings, it is never parted from it by a page's end.
    An `item` is one of a list, a `message` what somebody typed, in lines of their own, with addresses of the web:
    never justified, which would tear it apart. A `digest` is a hash on a line of its own.
    """

    kind: BlockKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """Whose signature, how it is given, and the name below it ("" to be written)."""

    title: str
    hint: str
    name: str


@dataclass(frozen=True, slots=True)
class Annex:
    """A table on pages of its own. A cell may have several lines."""

    number: str
    title: str
    subtitle: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a document of NĐ 30/2020/NĐ-CP, Annex I, named by their cells there."""

    language: Language
    parent: str
    issuer: str
    country: str
    motto: str
    number: str
    type_name: str
    title: str
    blocks: tuple[Block, ...]
    closing: str
    signatures: tuple[Signature, Signature]
    recipients_title: str
    recipients: tuple[str, ...]
    annex: Annex
