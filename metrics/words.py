"""What a metric says of itself, from its docstring: the reference is made of it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

#: Where the classes live that say nothing about one metric.
_COMMON = (
    "skyassay.metrics.family",
    "skyassay.metrics.unit_family",
    "skyassay.metrics.plugin",
    "builtins",
)
_DIFFERS, _ABSENT = "Differs from the peers:", "Not measured when:"


@dataclass(frozen=True)
class Words:
    """A metric in words.

    Attributes
    ----------
    definition : str
        What it measures, and the source it follows.
    differs : str
        Where it departs from the published codes.
    absent : str
        When there is no value.
    """

    definition: str
    differs: str
    absent: str


def words_of(plugin: type[Any]) -> Words:
    """Return what a metric's docstring says, sections of numpydoc left out.

    A line that begins with "Differs from the peers:" or "Not measured when:" begins that
    part, up to the end of its paragraph; the rest is the definition. What the class does not
    say is taken from the classes it is made of, down to those that every metric has.
    """
    found: dict[str, list[str]] = {"": [], _DIFFERS: [], _ABSENT: []}
    for kind in plugin.__mro__:
        if kind.__module__ in _COMMON:
            break
        for key, texts in _paragraphs(kind).items():
            if key == "" or not found[key]:
                found[key] += texts
    return Words(*(" ".join(found[k]) for k in ("", _DIFFERS, _ABSENT)))


def _paragraphs(kind: type[Any]) -> dict[str, list[str]]:
    """Return the paragraphs of one class, those of a helper of several left out."""
    found: dict[str, list[str]] = {"": [], _DIFFERS: [], _ABSENT: []}
    text = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    for number, paragraph in enumerate(text.split("\n\n")):
        lines = paragraph.splitlines()
        if len(lines) > 1 and set(lines[1]) == {"-"}:
            break  # a numpydoc section: what follows is about the code
        key = ""
        # What the code is for, and how it is used: nothing about what is measured.
        about = ("Shared by", "Subclasses") if number == 0 else ("Subclasses",)
        code = paragraph.startswith(about)
        for line in lines:
            begun = next((k for k in (_DIFFERS, _ABSENT) if line.strip().startswith(k)), None)
            key = key if begun is None else begun
            told = line.strip().removeprefix(key).strip()
            if told and not code:
                found[key].append(told)
    return found
