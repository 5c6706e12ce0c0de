"""Bound parameters: each level and band takes its own value."""

from __future__ import annotations

import pytest

from skyassay.requirements_map import RequirementsError


@pytest.mark.parametrize(
    ("criterion", "parameter", "band", "level", "value", "unit"),
    [
        ("LPM-17.PF1/gri", "PA2", "g", "design", 15, "mmag"),
        ("LPM-17.PF1/gri", "PA2", "r", "stretch", 10, "mmag"),
        ("LPM-17.PF1/u", "PA2", "u", "design", 22.5, "mmag"),
        ("LPM-17.PF1/y", "PA2", None, "minimum", 22.5, "mmag"),
        ("LPM-17.PA2/gri", "PF1", "i", "minimum", 20, "%"),
        ("DMS-REQ-0359/PF1", "PA2", "g", "given", 15, "mmag"),
        ("DMS-REQ-0359/PF1", "PA2", "z", "given", 22.5, "mmag"),
        ("LPM-17.AF3/ri", "AD3", "r", "minimum", 50, "mas"),
        ("LPM-17.ABF1/ugizy", "AB2", "y", "stretch", 10, "mas"),
        ("LPM-17.S1/0.60", "seeing", "r", "design", 0.6, "arcsec"),
        ("OSS-REQ-0353/transPurityMin", "transSampleSNR", None, "given", 6, ""),
    ],
)
def test_bound(found, criterion, parameter, band, level, value, unit):
    assert found.criteria[criterion].bound(parameter, band, level) == (value, unit)


@pytest.mark.parametrize(
    ("criterion", "parameter", "band", "level"),
    [
        ("LPM-17.PF1/gri", "PA3", "g", "design"),
        ("LPM-17.PF1/gri", "PA2", "g", "given"),
        ("DMS-REQ-0359/PF1", "PA2", None, "given"),
        ("DMS-REQ-0359/PF1", "PA2", "w", "given"),
        ("LPM-17.PA1/gri", "PA2", "g", "design"),
    ],
)
def test_what_is_not_bound_is_an_error(found, criterion, parameter, band, level):
    with pytest.raises(RequirementsError) as error:
        found.criteria[criterion].bound(parameter, band, level)
    assert error.value.code == "not_bound"


def test_the_raw_links_are_kept(found):
    assert found.criteria["LPM-17.PF1/gri"].binds == {"PA2": {"*": "LPM-17.PA2/gri"}}
    assert found.criteria["DMS-REQ-0359/PF1"].binds["PA2"]["u"] == "DMS-REQ-0359/PA2uzy"
    assert found.criteria["LPM-17.S1/0.60"].binds == {"seeing": {}}


def test_outlier_fraction_and_limit_bind_each_other(found):
    for key, criterion in found.criteria.items():
        # Of alerts several shares hold at one latency or load, which is a limit of its own.
        if found.requirement_of(criterion).group == "Alerts":
            continue
        for parameter, by_band in criterion.binds.items():
            for target in by_band.values():
                other = found.criteria[target]
                if other.role == "limit" and criterion.metric and other.metric:
                    back = {t for bands in other.binds.values() for t in bands.values()}
                    assert key in back, (key, parameter, target)


def test_bands_of_a_binding_cover_the_bands_of_the_criterion(found):
    for criterion in found.criteria.values():
        for by_band in criterion.at.values():
            assert "*" in by_band or set(by_band) == set(criterion.bands), criterion.id


def test_descriptions_are_read_only(found):
    criterion = found.criteria["LPM-17.PF1/gri"]
    with pytest.raises(TypeError):
        criterion.levels["design"] = 99.0
    with pytest.raises(TypeError):
        criterion.at["PA2"]["*"]["design"] = (99.0, "mmag")
    with pytest.raises(TypeError):
        found.criteria["x"] = criterion
