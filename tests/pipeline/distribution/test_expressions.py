"""The filters' language: what it says, what it refuses, what is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.distribution.expressions import parse
from skyassay.pipeline.distribution.fields import Reader, columns
from skyassay.pipeline.distribution.streams import PREDEFINED, Stream, check_names, user_stream

KNOWN = {
    ("diaSource", "snr"): "number", ("diaSource", "reliability"): "number",
    ("diaSource", "psfFlux"): "number", ("diaSource", "psfFluxErr"): "number",
    ("diaSource", "band"): "text", ("diaSource", "isDipole"): "flag",
    ("diaObject", "nDiaSources"): "number", ("ssSource", "ssObjectId"): "number",
    ("", "target_name"): "text",
}  # fmt: skip


def packet(**source):
    plain = {"snr": 10.0, "reliability": 0.9, "psfFlux": 100.0, "psfFluxErr": 10.0}
    return {
        "diaSource": plain | {"band": "r", "isDipole": False} | source,
        "diaObject": {"nDiaSources": 3}, "ssSource": None, "target_name": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("diaSource.snr >= 10", True),
        ("diaSource.snr > 10", False),
        ("5 < diaSource.snr <= 10", True),
        ("5 < diaSource.snr < 10", False),
        ("not diaSource.snr > 10", True),
        ("diaSource.psfFlux / diaSource.psfFluxErr == 10", True),
        ("diaSource.psfFlux - 2 * diaSource.psfFluxErr > 79.5", True),
        ("abs(-diaSource.psfFlux) == 100", True),
        ("diaSource.band == 'r' and diaObject.nDiaSources == 3", True),
        ("diaSource.band in ('g', 'i') or diaSource.isDipole", False),
        ("diaSource.band not in ['g', 'i']", True),
        ("diaSource.isDipole == False", True),
        ("ssSource is None", None),
        ("ssSource.ssObjectId is None", True),
        ("ssSource.ssObjectId is not None", False),
        ("not (diaSource.snr < 5 or diaSource.reliability < 0.5)", True),
        ("True", True),
    ],
)
def test_what_an_expression_says(text, holds):
    if holds is None:
        with pytest.raises(DistributionError, match="column ssSource"):
            parse(text, KNOWN)
    else:
        assert parse(text, KNOWN).accepts(packet()) is holds


@pytest.mark.parametrize("value", [None, float("nan")])
@pytest.mark.parametrize(
    "text",
    [
        "diaSource.snr > 1", "not diaSource.snr > 1", "diaSource.snr != 1",
        "diaSource.snr in (1, 2)",
        "diaSource.snr not in (1, 2)", "abs(diaSource.snr) > 0", "-diaSource.snr < 0",
        "diaSource.snr + 1 > 0", "ssSource.ssObjectId == 0", "1 / (diaSource.psfFlux - 100) > 0",
        "not 1 / (diaSource.psfFlux - 100) > 0", "diaSource.snr > 1 and True",
    ],
)  # fmt: skip
def test_what_is_unknown_is_not_sent(text, value):
    assert parse(text, KNOWN).accepts(packet(snr=value)) is False


def test_what_is_unknown_does_not_matter_where_the_rest_decides():
    assert parse("diaSource.snr > 1 or diaSource.band == 'r'", KNOWN).accepts(packet(snr=None))
    assert parse("not (diaSource.snr > 1 and diaSource.band == 'g')", KNOWN).accepts(
        packet(snr=None)
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "diaSource.snr >", "__import__('os').system('true')", "diaSource.__class__.x > 1",
        "(lambda: 1)() == 1", "[x for x in (1,)] == 1", "diaSource['snr'] > 1", "9 ** 9 ** 9 > 1",
        "diaSource.snr % 2 == 0", "abs(diaSource.snr, 1) > 0", "f'{1}' == '1'", "b'a' == b'a'",
        "(y := 1) == 1", "1 if True else 2", "diaSource.snr is 10", "diaSource.band in 'gri'",
        "diaSource.band in ()", "~1 == 1", "1j == 1", "(" * 300 + "1" + ")" * 300,
        "not " * 60 + "True", "diaSource.snr > 1\nimport os", "diaSource.snr > 1; True",
        "a" * 3000, "diaSource.snr > \0",
    ],
)  # fmt: skip
def test_what_is_no_part_of_the_language_is_refused(text):
    with pytest.raises(DistributionError) as caught:
        parse(text, KNOWN)
    assert caught.value.code in ("FILTER_SYNTAX", "FILTER_COLUMN") and caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "diaSource.snr", "'yes'", "1", "diaSource.snr > 'a'", "diaSource.band > 1", "not 1",
        "diaSource.snr and True", "diaSource.band * 1000000000 == 'r'", "abs('a') > 1", "-'a' < 1",
        "diaSource.isDipole > False", "None == None", "diaSource.snr in (1, 'a')", "True + 1 == 2",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text):
    with pytest.raises(DistributionError) as caught:
        parse(text, KNOWN)
    assert caught.value.code == "FILTER_TYPE"


@pytest.mark.parametrize(
    ("text", "column", "like"),
    [
        ("snr > 5", "snr", "diaSource.snr"),
        ("diaSource.relyability > 0.5", "diaSource.relyability", "diaSource.reliability"),
        ("diaSource.snr > 5 and diaobject.nDiaSources == 1", "diaobject.nDiaSources", "diaObject"),
    ],
)
def test_an_unknown_column_is_named_with_one_like_it(text, column, like):
    with pytest.raises(DistributionError) as caught:
        parse(text, KNOWN)
    assert caught.value.code == "FILTER_COLUMN"
    assert column in str(caught.value) and like in caught.value.hint


TREES = st.recursive(
    st.sampled_from(["diaSource.snr", "diaSource.psfFlux", "3", "-2.5"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda t: "({}{}{})".format(*t)
    ),
    max_leaves=6,
)  # fmt: skip
VALUES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(TREES, TREES, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), VALUES, VALUES)
def test_a_condition_and_its_opposite_never_both_hold(left, right, op, snr, flux):
    text = f"{left} {op} {right}"
    one = packet(snr=snr, psfFlux=flux)
    assert not (parse(text, KNOWN).accepts(one) and parse(f"not ({text})", KNOWN).accepts(one))


def test_the_columns_are_those_of_the_schema(make):
    known = columns(newest().id)
    assert known["diaSource", "snr"] == "number"
    assert known["diaSource", "isDipole"] == "flag"
    assert known["", "target_name"] == "text"
    assert ("", "cutoutScience") not in known and ("", "prvDiaSources") not in known
    wanted = [("diaSource", "snr"), ("diaObject", "nDiaSources"), ("ssSource", "ssObjectId")]
    read = Reader(newest().id, wanted)
    assert read(make.body(make.packet(5, snr=7.0, n_sources=4))) == {
        "diaSourceId": 5, "diaSource": {"snr": 7.0}, "diaObject": {"nDiaSources": 4},
        "ssSource": None,
    }  # fmt: skip
    assert read(make.body(make.packet(6, system=True)))["ssSource"] == {"ssObjectId": 77}
    with pytest.raises(DistributionError, match="cannot be decoded"):
        read(b"\x02")
    with pytest.raises(DistributionError, match="does not ship"):
        columns(2)


def test_every_predefined_filter_is_sound():
    for name in PREDEFINED:
        assert user_stream(name, name).definition == PREDEFINED[name]


def test_cuts_and_expression_must_all_hold():
    stream = user_stream("mine", "diaSource.band == 'r' or diaSource.band == 'i'", snr=20.0)
    assert stream.condition is not None
    assert not stream.condition.accepts(packet(snr=10.0, band="r"))
    assert stream.condition.accepts(packet(snr=30.0, band="i"))
    with pytest.raises(DistributionError, match="not understood"):
        user_stream("mine", "True) or (True", snr=20.0)


@pytest.mark.parametrize(
    ("make_it", "code"),
    [
        (lambda: user_stream("mine"), "FILTER_EMPTY"),
        (lambda: user_stream("../up", "bright"), "STREAM_NAME"),
        (lambda: Stream(""), "STREAM_NAME"),
        (lambda: Stream("a/b"), "STREAM_NAME"),
        (lambda: user_stream("mine", "bright", limit=0), "STREAM_LIMIT"),
        (lambda: check_names([Stream("a"), Stream("a")]), "STREAM_NAME"),
    ],
)
def test_senseless_streams_are_refused(make_it, code):
    with pytest.raises(DistributionError) as caught:
        make_it()
    assert (caught.value.code, caught.value.exit_code) == (code, 4)
