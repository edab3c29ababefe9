"""Every message a client may send over Socket.IO, as a typed model; PROTOCOL.md tells the same in prose.

`parse` is the only way in: what it returns has been checked for type, size and unknown fields.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rooms.errors import MeetingError

Source = Literal["microphone", "camera", "screen", "screen_audio"]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
# What is longer than a worker takes is the worker's to refuse, by name; a message has a limit of its own.
Sdp = str

# What is to be kept of a picture when there is not room for all of it: sharp letters or smooth motion.
Hint = Literal["detail", "motion"]

# One screen shows a page of tiles; a client that asks for more is not a screen.
TRACKS_LIMIT = 256
SOURCES_LIMIT = 16
# More voices at once than this nobody tells apart.
SPEAKERS_LIMIT = 8


class MessageInvalid(MeetingError):
    """A message that is not in PROTOCOL.md: unknown name or type, missing or wrong field, too large."""

    code = "message_invalid"


class Model(BaseModel):
    """Strict: no unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Join(Model):
    after: Annotated[int, Field(ge=0)] | None = None


class Publish(Model):
    sdp: Sdp
    sources: Annotated[dict[Annotated[str, Field(max_length=16)], Source], Field(max_length=SOURCES_LIMIT)]
    hints: dict[Source, Hint] | None = None


class WantedTrack(Model):
    participant_id: Identifier
    source: Source
    width: Annotated[int, Field(ge=0, le=16_384)] | None = None
    height: Annotated[int, Field(ge=0, le=16_384)] | None = None


class Subscribe(Model):
    tracks: Annotated[list[WantedTrack], Field(max_length=TRACKS_LIMIT)]
    speakers: Annotated[int, Field(ge=0, le=SPEAKERS_LIMIT)] = 0


class Answer(Model):
    sdp: Sdp


class RenewMedia(Model):
    pass


class Leave(Model):
    type: Literal["leave"]


class Mute(Model):
    type: Literal["mute"]
    source: Source
    muted: bool
    participant_id: Identifier | None = None


class Unpublish(Model):
    type: Literal["unpublish"]
    source: Source


class RaiseHand(Model):
    type: Literal["raise_hand"]


class LowerHand(Model):
    type: Literal["lower_hand"]
    participant_id: Identifier | None = None


class Chat(Model):
    type: Literal["chat"]
    # The rule is 2,000 characters and has its own refusal; this only keeps a flood out of the rules.
    text: Annotated[str, Field(max_length=20_000)]


class ControlRecording(Model):
    type: Literal["start_recording", "pause_recording", "resume_recording", "stop_recording"]


class EndMeeting(Model):
    type: Literal["end_meeting"]


AnyCommand = Leave | Mute | Unpublish | RaiseHand | LowerHand | Chat | ControlRecording | EndMeeting
Command: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="type")])

MESSAGES: dict[str, TypeAdapter[Any]] = {
    "join": TypeAdapter(Join),
    "command": Command,
    "publish": TypeAdapter(Publish),
    "subscribe": TypeAdapter(Subscribe),
    "answer": TypeAdapter(Answer),
    "renew_media": TypeAdapter(RenewMedia),
}


def parse(name: str, data: object) -> Any:
    """The message as its model. Raises MessageInvalid for anything PROTOCOL.md does not know."""
    model = MESSAGES.get(name)
    if model is None:
        raise MessageInvalid
    try:
        return model.validate_python({} if data is None else data)
    except (ValidationError, RecursionError):
        raise MessageInvalid from None
