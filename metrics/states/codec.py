"""States to bytes and back, without anything in the bytes that could be executed.

A tree of plain values in JSON, with the arrays behind it as they lie in memory. Only the
dataclasses that the expected state is made of can come out; bytes that name another class
are refused. A state class may bring its own `from_bytes` (class method), the inverse of its
`to_bytes`; it is then used instead.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any, get_args, get_type_hints

import numpy as np

_LENGTH = struct.Struct("<q")
#: Kinds of numpy types without objects in them.
_KINDS = "biufcUSmM"


class NotCodable(ValueError):  # noqa: N818 - said of a value, caught where states are kept
    """A state, or bytes, that cannot be taken across."""


def encode(state: Any) -> bytes:
    """Return the bytes of a state.

    Parameters
    ----------
    state : State
        Of dataclasses, mappings, tuples, lists, arrays, numbers, texts and None. Fields that
        take no part in comparison are no part of a state and stay behind.

    Returns
    -------
    bytes

    Raises
    ------
    NotCodable
        When it holds anything else.
    """
    if hasattr(state, "from_bytes"):
        made: bytes = state.to_bytes()
        return made
    arrays: list[np.ndarray[Any, Any]] = []
    tree = _tree(state, arrays)
    shapes = [[a.dtype.str, list(a.shape)] for a in arrays]
    head = json.dumps({"tree": tree, "arrays": shapes}).encode()
    return b"".join([_LENGTH.pack(len(head)), head, *(a.tobytes() for a in arrays)])


def decode(kind: type[Any], data: bytes) -> Any:
    """Return the state that `encode` made the bytes of.

    Parameters
    ----------
    kind : type
        Class of the state, e.g. ``type(metric.zero())``.
    data : bytes

    Raises
    ------
    NotCodable
        When the bytes are not those of such a state.
    """
    try:
        if hasattr(kind, "from_bytes"):
            return kind.from_bytes(data)
        (length,) = _LENGTH.unpack_from(data)
        at = _LENGTH.size + length
        head = json.loads(data[_LENGTH.size : at])
        arrays = []
        for name, shape in head["arrays"]:
            dtype = np.dtype(name)
            if dtype.kind not in _KINDS:
                raise NotCodable(f"no array of {name} is a state's")
            count = math.prod(shape)
            arrays.append(np.frombuffer(data, dtype, count, at).reshape(shape).copy())
            at += count * dtype.itemsize
        if at != len(data):
            raise NotCodable("there are bytes left over")
        return _value(head["tree"], arrays, _classes(kind))
    except NotCodable:
        raise
    except Exception as error:  # damaged bytes may break anything that reads them
        raise NotCodable(f"these are no bytes of a {kind.__name__}") from error


def _tree(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Return a value as JSON; arrays are put aside and numbered."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return {"f": value.hex()}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is Fraction:
        return {"q": [value.numerator, value.denominator]}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in _KINDS:
        arrays.append(np.ascontiguousarray(value).reshape(value.shape))
        return {"a" if kind is np.ndarray else "s": len(arrays) - 1}
    if kind in (tuple, list):
        return {"t" if kind is tuple else "l": [_tree(v, arrays) for v in value]}
    if isinstance(value, Mapping):
        return {"d": [[_tree(k, arrays), _tree(v, arrays)] for k, v in value.items()]}
    if is_dataclass(kind):
        parts = {n: _tree(getattr(value, n), arrays) for n in _names(kind)}
        return {"c": _name(kind), "v": parts}
    raise NotCodable(f"a {kind.__name__} is in the state")


def _value(node: Any, arrays: list[Any], classes: Mapping[str, type[Any]]) -> Any:
    """Return what `_tree` made the node of."""
    if node is None or isinstance(node, bool | int | str):
        return node
    if "c" in node:
        parts = {k: _value(v, arrays, classes) for k, v in node["v"].items()}
        return classes[node["c"]](**parts)
    ((tag, inner),) = node.items()
    if tag in ("a", "s"):
        return arrays[inner] if tag == "a" else arrays[inner][()]
    if tag in ("t", "l"):
        items = [_value(v, arrays, classes) for v in inner]
        return tuple(items) if tag == "t" else items
    if tag == "d":
        return {_value(k, arrays, classes): _value(v, arrays, classes) for k, v in inner}
    if tag == "f":
        return float.fromhex(inner)
    return bytes.fromhex(inner) if tag == "b" else Fraction(*inner)


def _names(kind: type[Any]) -> list[str]:
    """Return the fields that make the state."""
    return [f.name for f in fields(kind) if f.compare and f.init]


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _classes(kind: type[Any]) -> dict[str, type[Any]]:
    """Return the dataclasses that a state of this class is made of, by the types of its fields."""
    found: dict[str, type[Any]] = {}
    waiting: list[Any] = [kind]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if isinstance(one, type) and is_dataclass(one) and _name(one) not in found:
            found[_name(one)] = one
            hints = get_type_hints(one)
            waiting += [hints[name] for name in _names(one)]
    return found
