"""Our checks as Great Expectations, evaluated on a table or on its profile.

Importing this module imports Great Expectations, which takes some seconds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables.checks import Check
from skyassay.verify.tables.profile import Profile

# Read by Great Expectations when it is imported: nothing is to be sent.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its imports of deprecated modules are not our users' business
    import great_expectations as gx
    import great_expectations.expectations as gxe

#: A broken check, the name of its expectation, the rows that break it.
Broken = tuple[Check, str, int]
#: Our type name -> what Great Expectations calls it in a pandas frame.
_FRAME_TYPES = {
    "bool": ["bool", "BooleanDtype"],
    "string": ["str"],
    "timestamp": ["datetime64[us]"],
    **{f"int{n}": [f"int{n}", f"Int{n}Dtype"] for n in (16, 32, 64)},
    **{f"float{n}": ["float64"] for n in (32, 64)},
}


def on_table(table: pa.Table, checks: Sequence[Check]) -> tuple[Broken, ...]:
    """Evaluate the checks on a table with canonical columns."""
    made = [(check, _on_table(check)) for check in checks]
    results = _validate(_frame(table), [expectation for _, expectation in made])
    return tuple(
        (check, rule, int(result.get("unexpected_count") or 0))
        for (check, _), (rule, success, result) in zip(made, results, strict=True)
        if not success
    )


def on_profile(
    profile: Profile, there: tuple[str, ...], checks: Sequence[Check]
) -> tuple[Broken, ...]:
    """Evaluate the checks on a profile: every count is expected to be zero."""
    counts = {c.id: _from_profile(c, profile, there) for c in checks}
    frame = pd.DataFrame({name: [count] for name, count in counts.items()})
    wanted = [gxe.ExpectColumnMaxToBeBetween(column=name, max_value=0) for name in counts]
    results = _validate(frame, wanted)
    return tuple(
        (check, _on_table(check).expectation_type, counts[check.id] * _is_rows(check))
        for check, (_, success, _) in zip(checks, results, strict=True)
        if not success
    )


def _from_profile(check: Check, profile: Profile, there: tuple[str, ...]) -> int:
    """Return how often a check is broken; types were checked when the file was opened."""
    if check.kind == "rows":
        return int(profile.rows == 0)
    if check.kind == "exists":
        return int(check.columns[0] not in there)
    if check.kind == "unique":
        return profile.repeated()
    return 0 if check.kind == "type" else (profile.counts or {})[check.id]


def _is_rows(check: Check) -> bool:
    """Return whether a check counts rows."""
    return check.kind not in ("rows", "exists", "type")


def _on_table(check: Check) -> Any:
    """Return the expectation of one check."""
    if check.kind == "rows":
        return gxe.ExpectTableRowCountToBeBetween(min_value=1)
    if check.kind == "unique" and len(check.columns) > 1:
        return gxe.ExpectCompoundColumnsToBeUnique(
            column_list=list(check.columns), ignore_row_if="any_value_is_missing"
        )
    column = check.columns[0]
    if check.kind == "unique":
        return gxe.ExpectColumnValuesToBeUnique(column=column)
    if check.kind == "exists":
        return gxe.ExpectColumnToExist(column=column)
    if check.kind == "type":
        return gxe.ExpectColumnValuesToBeInTypeList(
            column=column, type_list=_FRAME_TYPES[check.dtype]
        )
    if check.kind == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(column=column)
    if check.kind == "in_set":
        return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(check.values))
    return gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=check.low, max_value=check.high, strict_min=check.above
    )


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a pandas frame that keeps integers with gaps as integers, and text as objects.

    Great Expectations knows no name for the ``str`` type of pandas 3.
    """
    columns = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_string(field.type):
            values = pd.Series(column.to_pylist(), dtype=object)
        elif column.null_count and not pa.types.is_floating(field.type):
            values = pd.Series(column.to_pandas(types_mapper=_NULLABLE.get))
        else:
            values = pd.Series(column.to_numpy())
        columns[field.name] = values
    return pd.DataFrame(columns)


_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}


def _validate(frame: pd.DataFrame, wanted: list[Any]) -> list[tuple[str, bool, dict[str, Any]]]:
    """Return (rule, success, result) per expectation, in their order.

    Great Expectations returns its results in an order of its own and leaves out twins, so
    each is marked with its place.
    """
    for place, expectation in enumerate(wanted):
        expectation.meta = {"place": place}
    with _quiet() as context:
        asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch(
            batch_parameters={"dataframe": frame}
        )
        suite = gx.ExpectationSuite(name="contract", expectations=wanted)
        report = batch.validate(
            suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
        )
    found = {r.expectation_config.meta["place"]: r for r in report.results}
    return [_outcome(found.get(place), wanted[place]) for place in range(len(wanted))]


def _outcome(result: Any, expectation: Any) -> tuple[str, bool, dict[str, Any]]:
    """Return one result; one that was not evaluated is an error, not a pass."""
    rule = str(expectation.expectation_type)
    raised = result is None or _raised(result.exception_info)
    if raised:
        raise ProductError(
            f"The expectation {rule} could not be evaluated.",
            code="contract_failed",
            hint="" if result is None else str(result.exception_info)[:300],
        )
    return rule, bool(result.success), dict(result.result)


def _raised(info: dict[str, Any]) -> bool:
    """Return whether an exception stands in a result, under either of its two layouts."""
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(isinstance(v, dict) and v.get("raised_exception") for v in info.values())


@contextmanager
def _quiet() -> Iterator[Any]:
    """Yield an ephemeral context: no files, no analytics, no progress bars, no warnings."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral", user_agent_str=None)
        context.enable_analytics(False)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        yield context
