"""Who is heard: the few loudest microphones of many, and the places they are sent in.

Levels are those of RFC 6464, dBov below the loudest: 0 is overload, 127 silence. What counts is not how loud a
microphone is but how far it rises above its own noise, so that a humming room does not stand in a speaker's way.
"""

from collections.abc import Sequence
from math import exp, inf
from typing import Final

# Voice for so long gets a place: the third packet of 20 ms. A cough, a click or a chair does not.
ATTACK_S: Final = 0.035
# Nobody loses a place to a beginning voice sooner after the last word than this.
HOLD_S: Final = 2.0
# Between two words somebody still counts as speaking.
PAUSE_S: Final = 0.9
# Somebody is louder by so much, in the mean of what was said lately; clearly louder by twice as much.
LOUDER_DB: Final = 6.0
# The dominant speaker changes no sooner, unless the old one is silent; and to nobody who only says "yes".
DOMINANT_S: Final = 1.5
DOMINANT_DB: Final = 8.0

# Voice is so far above the noise; where the client's own detector says it is none, this much farther.
_VOICE_DB = 10.0
_DOUBT_DB = 10.0
# Above its noise, what a microphone of unknown level has while it sends without a break.
_UNKNOWN_DB = 15.0
# A packet after a longer gap does not continue what was before: with DTX silence has one every 400 ms.
_BREAK_S = 0.15
# The noise is never thought louder at the beginning (who begins with a word must be heard), nor ever quieter
# (after digital silence the air would pass for voice).
_LOUDEST_START, _QUIETEST = 50.0, 65.0
# Per packet: noise follows quiet packets at once and grows by 4 dB/s under a steady sound.
_NOISE_FALL, _NOISE_RISE_DB = 0.2, 0.08
# Per packet: strength grows with a time constant of 0.5 s and fades with one of 1.5 s.
_GROW, _FADE = 0.04, 0.0133
_FADE_S = 1.5
# A strength shown as 1.
_FULL_DB = 40.0


class _Microphone:
    """What is remembered of one owner's sound. Levels as in RFC 6464, strength in dB above the noise."""

    __slots__ = ("audible", "detects", "heard_at", "noise", "owner", "since", "spoke", "strength")

    def __init__(self, owner: str, noise: float, now: float) -> None:
        self.owner = owner
        self.noise = noise
        self.strength = 0.0
        self.heard_at = now
        self.since = inf
        self.spoke = -inf
        self.detects = False
        self.audible = False

    def strength_at(self, now: float) -> float:
        """Without packets it fades as with silent ones."""
        quiet_s = now - self.heard_at
        return self.strength if quiet_s < _BREAK_S else self.strength * exp(-quiet_s / _FADE_S)


class ActiveSpeakers:
    """Chooses the audible of any number of microphones, and knows who is speaking.

    Whoever has the floor is audible, and with them at most `most` others. Who is in stays: a beginning voice
    takes the place of whoever has been silent for `HOLD_S`, else of somebody weaker who has just stopped; of
    somebody who still speaks only when it is clearly and lastingly louder. Places are never left free: up to
    `most` microphones are all audible from their first packet.

    `heard` is told of every packet and answers when `select` should be asked at once; besides, ask several
    times a second. A microphone without the level extension counts as an unobtrusive voice while its packets
    come without a break, so that it is heard but gives way to voices that are known.
    """

    def __init__(self, most: int = 3) -> None:
        self.dominant: str | None = None
        self._most = most
        self._microphones: dict[str, _Microphone] = {}
        self._members: list[_Microphone] = []
        self._floor: tuple[str, ...] = ()
        self._dominant_since = -inf

    def heard(self, owner: str, level_dbov: int | None, voice: bool, now: float) -> bool:
        """An audio packet came; None without the extension. True when `select` may now choose its owner.

        The V bit is believed only of clients that set it and clear it: some always do the one or the other.
        """
        mic = self._microphones.get(owner)
        if mic is None:
            mic = self._add(owner, level_dbov, now)
        needed = _VOICE_DB
        if level_dbov is None:
            above = _UNKNOWN_DB if now - mic.heard_at < _BREAK_S else 0.0
        else:
            above = mic.noise - level_dbov
            if above < 0.0:
                mic.noise += (min(level_dbov, _QUIETEST) - mic.noise) * _NOISE_FALL
                above = 0.0
            else:
                mic.noise -= _NOISE_RISE_DB
            if voice:
                mic.detects = True
            elif mic.detects:
                needed += _DOUBT_DB
        mic.strength += (above - mic.strength) * (_GROW if above > mic.strength else _FADE)
        return self._ran(mic, above >= needed, now)

    def _ran(self, mic: _Microphone, voice: bool, now: float) -> bool:
        """Note how long voice has lasted without a break."""
        last, mic.heard_at = mic.heard_at, now
        if not voice:
            mic.since = inf
        elif mic.since == inf or now - last > _BREAK_S:
            mic.since = now
        elif now - mic.since >= ATTACK_S:
            mic.spoke = now
            return not mic.audible
        return not mic.audible and len(self._members) < self._most

    def _add(self, owner: str, level_dbov: int | None, now: float) -> _Microphone:
        noise = min(max(level_dbov or _LOUDEST_START, _LOUDEST_START), _QUIETEST)
        mic = self._microphones[owner] = _Microphone(owner, noise, now)
        mic.audible = owner in self._floor
        return mic

    def gone(self, owner: str) -> None:
        """The microphone ended, or was muted by the rules."""
        mic = self._microphones.pop(owner, None)
        if mic in self._members:
            self._members.remove(mic)
        if self.dominant == owner:
            self.dominant = None

    def hold_floor(self, owners: Sequence[str]) -> None:
        """These are audible from now on, in addition to the loudest of the others."""
        self._floor = tuple(owners)
        self._members = [mic for mic in self._members if mic.owner not in self._floor]
        members = {mic.owner for mic in self._members}
        for owner, mic in self._microphones.items():
            mic.audible = owner in self._floor or owner in members

    def select(self, now: float) -> tuple[str, ...]:
        """The audible: who has the floor, in that order, then the others, each as long as it stays in one place."""
        talking = self._talking(now)
        if len(self._members) < self._most:
            self._fill(now)
        for mic in talking:
            if not mic.audible and now - mic.spoke < _BREAK_S:
                self._contend(mic, now)
        self._choose_dominant(talking, now)
        holders = [owner for owner in self._floor if owner in self._microphones]
        return (*holders, *(mic.owner for mic in self._members))

    def levels(self, now: float) -> list[tuple[str, float]]:
        """Who is speaking, with their level from 0 to 1, loudest first."""
        return [(mic.owner, min(mic.strength_at(now) / _FULL_DB, 1.0)) for mic in self._talking(now)]

    def _talking(self, now: float) -> list[_Microphone]:
        earliest = now - PAUSE_S
        talking = [mic for mic in self._microphones.values() if mic.spoke >= earliest]
        return sorted(talking, key=lambda mic: mic.strength_at(now), reverse=True)

    def _fill(self, now: float) -> None:
        """Free places go to the strongest; among the silent to who spoke last, else to who came first."""
        others = [mic for mic in self._microphones.values() if not mic.audible]
        others.sort(
            key=lambda mic: (mic.spoke >= now - HOLD_S and mic.strength_at(now), mic.spoke), reverse=True
        )
        for mic in others[: self._most - len(self._members)]:
            self._members.append(mic)
            mic.audible = True

    def _contend(self, mic: _Microphone, now: float) -> None:
        """Give a beginning voice the place of the weakest, if that one has no better right to it."""
        if not self._members:
            return
        weakest = min(self._members, key=lambda member: self._right(member, now))
        silent_s = now - weakest.spoke
        margin_db = LOUDER_DB if silent_s >= PAUSE_S else 2 * LOUDER_DB
        if silent_s >= HOLD_S or mic.strength_at(now) > weakest.strength_at(now) + margin_db:
            self._members[self._members.index(weakest)] = mic
            weakest.audible, mic.audible = False, True

    @staticmethod
    def _right(member: _Microphone, now: float) -> tuple[float, float]:
        """To its place: how strong it is; when it is silent, how lately it was not."""
        return member.strength_at(now) if now - member.spoke < HOLD_S else -1.0, member.spoke

    def _choose_dominant(self, talking: Sequence[_Microphone], now: float) -> None:
        """The strongest, if it has said enough to be one; after the old one was silent, or outdone for long."""
        if not talking or talking[0].owner == self.dominant or talking[0].strength_at(now) < DOMINANT_DB:
            return
        old = next((mic for mic in talking if mic.owner == self.dominant), None)
        lasting = now - self._dominant_since >= DOMINANT_S
        if old is None or (lasting and talking[0].strength_at(now) > old.strength_at(now) + LOUDER_DB):
            self.dominant = talking[0].owner
            self._dominant_since = now


class FixedSlots:
    """Who is in which of `count` slots: nobody moves while audible, newcomers take what was free longest.

    A slot that was free for long is one whose last speaker has been forgotten by the receiver's jitter buffer.
    """

    def __init__(self, count: int) -> None:
        self._slots: list[str | None] = [None] * count
        self._free = list(range(count))

    def assign(self, audible: Sequence[str]) -> list[str | None]:
        """Who is in each slot now. Of more than there are slots the first are taken."""
        wanted = list(dict.fromkeys(audible))[: len(self._slots)]
        for at, owner in enumerate(self._slots):
            if owner is not None and owner not in wanted:
                self._slots[at] = None
                self._free.append(at)
        for owner in wanted:
            if owner not in self._slots:
                self._slots[self._free.pop(0)] = owner
        return list(self._slots)
