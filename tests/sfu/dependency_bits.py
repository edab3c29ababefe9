"""Dependency descriptors written by hand, field by field (AV1 RTP payload specification, A.8)."""

from collections.abc import Sequence

Template = tuple[int, int, str]
"""Spatial id, temporal id, and an indication for each decode target: "-", "D", "S" or "R"."""

_INDICATIONS = "-DSR"
# As the specification's L2T2: decode targets S0T0, S0T1, S1T0, S1T1.
L2T2 = (
    (0, 0, "SSSS"),
    (0, 0, "SSRR"),
    (0, 1, "-D-R"),
    (1, 0, "--SS"),
    (1, 0, "--SS"),
    (1, 1, "---D"),
)


def pack(bits: str) -> bytes:
    """Bits, filled up with zeros."""
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")


def mandatory(template: int, frame: int = 1, *, start: bool = True, end: bool = True) -> str:
    """The three bytes that every descriptor has."""
    return f"{start:b}{end:b}{template:06b}{frame:016b}"


def indications(row: str) -> str:
    """Two bits for each decode target."""
    return "".join(f"{_INDICATIONS.index(one):02b}" for one in row)


def structure(
    templates: Sequence[Template], first_id: int = 0, sizes: Sequence[tuple[int, int]] = (), chains: str = ""
) -> str:
    """A table of templates, each with one frame difference; `chains` is what follows their count, itself 1 of
    as many as there are decode targets, and one more."""
    targets = len(templates[0][2])
    text = f"{first_id:06b}{targets - 1:05b}"
    for before, after in zip(templates, [*templates[1:], None], strict=True):
        if after is None:
            text += "11"
        elif after[0] != before[0]:
            text += "10"
        else:
            text += "01" if after[1] != before[1] else "00"
    text += "".join(indications(row) for _, _, row in templates)
    text += "100010" * len(templates)
    text += chains
    text += f"{bool(sizes):b}" + "".join(f"{width - 1:016b}{height - 1:016b}" for width, height in sizes)
    return text


def keyframe(
    templates: Sequence[Template] = L2T2, template: int = 0, first_id: int = 0, **more: object
) -> bytes:
    """A descriptor with a table; of four decode targets without chains unless told."""
    table = structure(templates, first_id, **{"chains": "00", **more})  # type: ignore[arg-type]
    return pack(mandatory(template) + "10000" + table)
