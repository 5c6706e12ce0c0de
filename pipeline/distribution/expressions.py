"""The language of users' filters: comparisons of columns of a packet.

    diaSource.snr >= 10 and diaSource.reliability > 0.5 and diaObject.nDiaSources == 1

Numbers, texts, True, False, None; + - * / and abs(); == != < <= > >= in, not in; is None, is
not None; and, or, not. It is parsed by Python's grammar and evaluated by functions made here
from a few kinds of nodes: nothing of the text is executed. What is null (or NaN, or divided by
zero) makes a comparison unknown, as in SQL, and what is unknown is not sent.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skyassay.pipeline.distribution.errors import DistributionError, wrong
from skyassay.pipeline.distribution.fields import Column, nearest, written

Value = Callable[[Mapping[str, Any]], Any]
MAX_LENGTH = 2000
MAX_DEPTH = 40
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """A condition on packets.

    Attributes
    ----------
    text : str
    columns : frozenset of Column
        What it reads.
    """

    text: str
    columns: frozenset[Column]
    _value: Value = field(repr=False, compare=False)

    def accepts(self, packet: Mapping[str, Any]) -> bool:
        """Return whether the condition is known to hold for a decoded packet."""
        return self._value(packet) is True


def parse(text: str, known: Mapping[Column, str]) -> Expression:
    """Return the condition that a text states.

    Parameters
    ----------
    text : str
    known : mapping
        Column -> kind, see `fields.columns`.

    Raises
    ------
    DistributionError
        ``FILTER_SYNTAX``, ``FILTER_COLUMN``, ``FILTER_TYPE``; exit code 4.
    """
    if len(text) > MAX_LENGTH:
        raise _syntax(text[:40] + "...", f"it is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _syntax(text, getattr(error, "msg", None) or "it cannot be parsed") from None
    parser = _Parser(text, known)
    kind, value = parser.build(tree, 0)
    if kind != "flag":
        raise _type(text, "it is no condition, but a value")
    return Expression(text, frozenset(parser.columns), value)


def _syntax(text: str, why: str) -> DistributionError:
    return wrong(
        f"The filter {text!r} is not understood: {why}.",
        "FILTER_SYNTAX",
        "For example: diaSource.snr >= 10 and diaSource.reliability > 0.5",
    )


def _type(text: str, why: str) -> DistributionError:
    return wrong(f"The filter {text!r} makes no sense: {why}.", "FILTER_TYPE")


class _Parser:
    """Makes functions from nodes; keeps the columns it met."""

    def __init__(self, text: str, known: Mapping[Column, str]) -> None:
        self.text, self.known = text, known
        self.columns: set[Column] = set()

    def build(self, node: ast.AST, depth: int) -> tuple[str, Value]:
        """Return kind and function of a node: ``number``, ``flag``, ``text`` or ``null``."""
        if depth > MAX_DEPTH:
            raise _syntax(self.text, "it is nested too deep")
        make = getattr(self, f"_{type(node).__name__.lower()}", None)
        if make is None:
            raise _syntax(self.text, f"{type(node).__name__} is not part of the language")
        found: tuple[str, Value] = make(node, depth + 1)
        return found

    def _constant(self, node: ast.Constant, _: int) -> tuple[str, Value]:
        value = node.value
        for kinds, name in ((bool, "flag"), (int | float, "number"), (str, "text")):
            if isinstance(value, kinds):
                return name, lambda _packet: value
        if value is None:
            return "null", lambda _packet: None
        raise _syntax(self.text, f"{value!r} is no number, text or flag")

    def _name(self, node: ast.Name, _: int) -> tuple[str, Value]:
        return self._column(("", node.id))

    def _attribute(self, node: ast.Attribute, _: int) -> tuple[str, Value]:
        if not isinstance(node.value, ast.Name):
            raise self._unknown(ast.unparse(node))
        return self._column((node.value.id, node.attr))

    def _column(self, column: Column) -> tuple[str, Value]:
        kind = self.known.get(column)
        if kind is None:
            raise self._unknown(written(column))
        self.columns.add(column)
        return kind, _getter(*column)

    def _unknown(self, name: str) -> DistributionError:
        like = nearest(name, self.known)
        return wrong(
            f"The filter {self.text!r} names the column {name}, which packets do not have.",
            "FILTER_COLUMN",
            f"Do you mean {' or '.join(like)}?" if like else "Columns are named diaSource.snr.",
        )

    def _numbers(self, nodes: list[ast.expr], depth: int, what: str) -> list[Value]:
        return self._of("number", nodes, depth, what)

    def _of(self, kind: str, nodes: list[ast.expr], depth: int, what: str) -> list[Value]:
        built = [self.build(node, depth) for node in nodes]
        for node, (found, _) in zip(nodes, built, strict=True):
            if found != kind:
                raise _type(self.text, f"{ast.unparse(node)} in {what} is no {kind}")
        return [value for _, value in built]

    def _binop(self, node: ast.BinOp, depth: int) -> tuple[str, Value]:
        apply = _ARITHMETIC.get(type(node.op))
        if apply is None:
            raise _syntax(self.text, f"{type(node.op).__name__} is not part of the language")
        left, right = self._numbers([node.left, node.right], depth, "arithmetic")
        return "number", lambda packet: _arithmetic(apply, left(packet), right(packet))

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> tuple[str, Value]:
        if isinstance(node.op, ast.Not):
            (inner,) = self._of("flag", [node.operand], depth, "not")
            return "flag", lambda packet: None if (v := inner(packet)) is None else not v
        if not isinstance(node.op, ast.USub):
            raise _syntax(self.text, f"{type(node.op).__name__} is not part of the language")
        (inner,) = self._numbers([node.operand], depth, "a minus")
        return "number", lambda packet: None if (v := inner(packet)) is None else -v

    def _call(self, node: ast.Call, depth: int) -> tuple[str, Value]:
        if ast.unparse(node.func) != "abs" or len(node.args) != 1 or node.keywords:
            raise _syntax(self.text, f"{ast.unparse(node.func)}(...) is not part of the language")
        (inner,) = self._numbers(node.args, depth, "abs")
        return "number", lambda packet: None if (v := inner(packet)) is None else abs(v)

    def _boolop(self, node: ast.BoolOp, depth: int) -> tuple[str, Value]:
        parts = self._of("flag", node.values, depth, "and, or")
        decides = isinstance(node.op, ast.Or)
        return "flag", lambda packet: _logic(parts, packet, decides)

    def _compare(self, node: ast.Compare, depth: int) -> tuple[str, Value]:
        pairs = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
        parts = [self._pair(left, op, right, depth) for left, op, right in pairs]
        return "flag", lambda packet: _logic(parts, packet, False)

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Value:
        if isinstance(op, ast.Is | ast.IsNot):
            return self._null(left, op, right, depth)
        if isinstance(op, ast.In | ast.NotIn):
            return self._member(left, op, right, depth)
        (kind, a), (other, b) = self.build(left, depth), self.build(right, depth)
        ordered = not isinstance(op, ast.Eq | ast.NotEq)
        if kind != other or kind == "null" or (ordered and kind == "flag"):
            raise _type(self.text, f"{ast.unparse(left)} and {ast.unparse(right)} do not compare")
        apply = _COMPARE[type(op)]
        return lambda packet: _comparison(apply, a(packet), b(packet))

    def _null(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Value:
        if not (isinstance(right, ast.Constant) and right.value is None):
            raise _syntax(self.text, "'is' compares with None only")
        _, value = self.build(left, depth)
        wanted = isinstance(op, ast.Is)
        return lambda packet: (value(packet) is None) is wanted

    def _member(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Value:
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise _syntax(self.text, "'in' asks for a list of values")
        kind, value = self.build(left, depth)
        items = self._of(kind, right.elts, depth, "a list")
        wanted = isinstance(op, ast.In)

        def member(packet: Mapping[str, Any]) -> bool | None:
            own = value(packet)
            if own is None:
                return None
            return any(own == item(packet) for item in items) is wanted

        return member


def _getter(record: str, name: str) -> Value:
    """Return the function that reads a column; NaN is null."""

    def read(packet: Mapping[str, Any]) -> Any:
        inner = packet.get(record) if record else packet
        value = None if inner is None else inner.get(name)
        return None if value != value else value

    return read


def _comparison(apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    return None if a is None or b is None else apply(a, b)


def _arithmetic(apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    try:
        value = apply(a, b)
    except (ZeroDivisionError, OverflowError):
        return None
    return None if value != value else value


def _logic(parts: list[Value], packet: Mapping[str, Any], decides: bool) -> bool | None:
    """Return `or` (one that is true decides) or `and` of conditions, some of them unknown."""
    unknown = False
    for part in parts:
        value = part(packet)
        if value is decides:
            return bool(decides)
        unknown = unknown or value is None
    return None if unknown else not decides
