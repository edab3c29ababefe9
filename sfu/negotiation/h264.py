"""Which H.264 formats we take, and which of an offer's is the best (RFC 6184, 8).

Profile and packetization mode name a format, both ends must have the same; only the level may differ. Every
browser has constrained baseline in mode 1, so a stream of it reaches everybody.
"""

import re
from collections.abc import Mapping
from typing import Final

# RFC 6184, 8.1: what a format that names no profile is.
_DEFAULT_PROFILE: Final = "42000a"
_PROFILE = re.compile(r"[0-9a-f]{6}")
_CONSTRAINED_BASELINE, _BASELINE, _OTHER = range(3)


def rank(parameters: Mapping[str, str]) -> int | None:
    """How gladly this format is taken, 0 the most; None if it is malformed or in interleaved mode."""
    mode = packetization_mode(parameters)
    profile = parameters.get("profile-level-id", _DEFAULT_PROFILE).lower()
    if mode not in ("0", "1") or not _PROFILE.fullmatch(profile):
        return None
    return _profile_rank(profile) + (0 if mode == "1" else _OTHER + 1)


def packetization_mode(parameters: Mapping[str, str]) -> str:
    """ "0" single NAL units, "1" non-interleaved: aggregated and fragmented ones, too."""
    return parameters.get("packetization-mode", "0")


def _profile_rank(profile: str) -> int:
    if not profile.startswith("42"):
        return _OTHER
    # constraint_set1_flag: also obeys the Main profile.
    return _CONSTRAINED_BASELINE if int(profile[2:4], 16) & 0x40 else _BASELINE


def answered(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters of our answer: format as offered, each end free in its level (RFC 6184, 8.2.2)."""
    same = {key: parameters[key] for key in ("packetization-mode", "profile-level-id") if key in parameters}
    return {"level-asymmetry-allowed": "1", **same}
