"""Several encodings of one picture (RFC 8853, RFC 8851): which of the offered ones we receive."""

from typing import Final

from sfu.sdp import Media

MOST_RIDS: Final = 3


def sent_rids(offered: Media) -> tuple[str, ...]:
    """The encodings the offer would send, in its order: of alternatives the first, of more than three three.

    `~` only says that an encoding begins paused. What restricts an encoding we do not ask about.
    """
    described = {rid for rid, direction in offered.rids if direction == "send"}
    streams = _direction(offered.simulcast or "", "send").split(";")
    firsts = (stream.split(",")[0].removeprefix("~") for stream in streams)
    return tuple(dict.fromkeys(rid for rid in firsts if rid in described))[:MOST_RIDS]


def _direction(simulcast: str, wanted: str) -> str:
    words = simulcast.split(" ")
    return words[words.index(wanted) + 1] if wanted in words[::2] else ""


def put_rids(media: Media, rids: tuple[str, ...]) -> None:
    """Ask for these encodings."""
    media.rids = [(rid, "recv") for rid in rids]
    media.simulcast = f"recv {';'.join(rids)}" if rids else None
