"""The minutes as JSON, for other systems: times in UTC and in milliseconds of the meeting's clock."""

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from recording.minutes import Minutes
from rooms.log import Moment, iso


def to_json(minutes: Minutes) -> bytes:
    """Return the minutes with all that the log gave, in no language."""
    return json.dumps(_value(minutes), ensure_ascii=False, indent=2).encode()


def _value(value: Any) -> Any:
    if isinstance(value, Moment):
        return {"time": iso(value.time), "meeting_ms": value.meeting_ms}
    if is_dataclass(value):
        return {field.name: _value(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return value.value if isinstance(value, Enum) else value
