"""Judge the measurements of a run recipe by recipe: those of record, and those to compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skyassay.metrics.contract import Measurement
from skyassay.requirements_map import RequirementSet
from skyassay.verify.records import COMPARISON_RECIPES, Run, Verdict
from skyassay.verify.status import counted
from skyassay.verify.verdict import judge_all

DEFAULT_RECIPE = "srd"


@dataclass(frozen=True)
class Judgement:
    """Verdicts by the requirement's own recipes, and by others beside them.

    Attributes
    ----------
    record : tuple of Verdict
        Every criterion.
    others : mapping
        Recipe -> verdicts of the criteria whose metric it measured.
    """

    record: tuple[Verdict, ...]
    others: Mapping[str, tuple[Verdict, ...]]

    @property
    def all(self) -> tuple[Verdict, ...]:
        """Every verdict, those of record first."""
        return (*self.record, *(v for verdicts in self.others.values() for v in verdicts))

    def by_recipe(self) -> dict[str, tuple[Verdict, ...]]:
        """Return recipe -> verdicts for the recipes that measured anything."""
        measured = tuple(v for v in self.record if v.recipe is not None)
        first = {recipe_label(measured): measured} if measured else {}
        return {**first, **self.others}

    def deciding(self, metrics: set[str], *, everything: bool = False) -> list[Verdict]:
        """Return the verdicts that decide the exit code.

        Parameters
        ----------
        metrics : set of str
            What was asked for or measured.
        everything : bool
            Count every criterion at its binding level, measured or not.
        """
        if everything:
            return [v for v in self.record if v.binding]
        if not any(v.recipe for v in self.record) and self.others:
            return [v for group in self.others.values() for v in counted(group, metrics)]
        return counted(self.record, metrics)


def judge_recipes(
    requirements: RequirementSet,
    measurements: Sequence[Measurement],
    run: Run,
    *,
    levels: str = "all",
) -> Judgement:
    """Judge each recipe's measurements by themselves."""
    own = of_record(measurements)
    record = judge_all(requirements, own, run, levels=levels)
    kept = set(map(id, own))
    groups: dict[str, list[Measurement]] = {}
    for m in measurements:
        if id(m) not in kept:
            groups.setdefault(m.recipe, []).append(m)
    others = {}
    for recipe in sorted(groups):
        verdicts = judge_all(requirements, groups[recipe], run, levels=levels)
        others[recipe] = tuple(v for v in verdicts if v.recipe is not None)
    return Judgement(tuple(record), others)


def of_record(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements that judge a requirement.

    A metric's own recipe: ``srd`` where it has it, else the first by name that does not
    exist for comparison only.
    """
    recipes: dict[str, set[str]] = {}
    for m in measurements:
        recipes.setdefault(m.metric, set()).add(m.recipe)
    own = {metric: _own(names) for metric, names in recipes.items()}
    return [m for m in measurements if m.recipe == own[m.metric]]


def recipe_label(verdicts: Sequence[Verdict]) -> str:
    """Return what to call the recipe of record: its name where there is one."""
    names = {v.recipe for v in verdicts if v.recipe is not None}
    return names.pop() if len(names) == 1 else DEFAULT_RECIPE


def _own(names: set[str]) -> str | None:
    if DEFAULT_RECIPE in names:
        return DEFAULT_RECIPE
    return min(names - COMPARISON_RECIPES, default=None)
