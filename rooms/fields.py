"""Frozen dataclasses to JSON values and back, strictly: what is read must be what would be written."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any], Any]

_READERS: dict[type, dict[str, Reader]] = {}


def write_fields(value: Any) -> dict[str, Any]:
    """Return a dataclass as a JSON object: enums by value, tuples as lists, mappings and nested ones as objects.

    A field that has its default is left out: so a field added in a later version, with a default, leaves the
    data and therefore the hashes of older logs as they were.
    """
    written = ((field.name, getattr(value, field.name), field.default) for field in fields(value))
    return {name: _write(item) for name, item, default in written if default is MISSING or item != default}


def read_fields(cls: type[T], data: Any) -> T:
    """Return the dataclass that `write_fields` wrote. Raises TypeError or ValueError for anything else."""
    readers = _readers(cls)
    if not isinstance(data, dict) or not data.keys() <= readers.keys():
        raise ValueError("foreign fields")
    return cls(**{name: readers[name](value) for name, value in data.items()})


def _write(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _write(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    return write_fields(value) if is_dataclass(value) else value


def _readers(cls: type) -> dict[str, Reader]:
    if cls not in _READERS:
        hints = get_type_hints(cls)
        _READERS[cls] = {field.name: _reader(hints[field.name]) for field in fields(cls)}
    return _READERS[cls]


def _reader(hint: Any) -> Reader:
    """Return what reads a value of this type: str, int, an enum, a dataclass, or a tuple or mapping of one of them.

    What may be None is None by default, and a default is never written.
    """
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) in (Union, UnionType):  # which of the two `X | None` makes depends on what X is
        return _reader(next(option for option in get_args(hint) if option is not NoneType))
    if get_origin(hint) is tuple:
        return _list_reader(_reader(get_args(hint)[0]))
    if get_origin(hint) is Mapping:
        return _mapping_reader(_reader(get_args(hint)[1]))
    if hint in (str, int):
        return _plain_reader(hint)
    return partial(hint) if issubclass(hint, Enum) else partial(read_fields, hint)


def _list_reader(item: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise TypeError(f"a list was expected, not {type(value).__name__}")
        return tuple(item(element) for element in value)

    return read


def _mapping_reader(item: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        # What was JSON has no keys but strings.
        if not isinstance(value, dict):
            raise TypeError(f"an object was expected, not {type(value).__name__}")
        return {key: item(element) for key, element in value.items()}

    return read


def _plain_reader(expected: type) -> Reader:
    def read(value: Any) -> Any:
        # By type, not isinstance: true is an int to Python, and would be written back as another JSON value.
        if type(value) is not expected:
            raise TypeError(f"{expected.__name__} was expected, not {type(value).__name__}")
        return value

    return read
