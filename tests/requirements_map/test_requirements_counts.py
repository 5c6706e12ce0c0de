"""Nothing of the source tables is missing: counted against the tables themselves."""

from __future__ import annotations

import csv

import pytest

from skyassay.requirements_map.facts import PRINTED_UNITS, UNNUMBERED
from skyassay.requirements_map.model import STRICTNESS
from skyassay.requirements_map.reading import data_path
from skyassay.requirements_map.verification import elements_of, verification_elements
from skyassay.requirements_map.verification import test_cases as cases_of_rubin


def table(name):
    with data_path(f"sources/{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def of_document(found, name):
    return [r for r in found.requirements.values() if r.document == name]


def test_sizes_of_the_documents(found):
    assert len(of_document(found, "LSE-61")) == 239
    assert sum(r.status == "descoped" for r in of_document(found, "LSE-61")) == 5
    assert len(table("srd")) == 92
    assert len(table("dmsr_parameters")) == 148


def test_fifty_four_named_parameters_a_data_product_can_show(found):
    srd = of_document(found, "LPM-17")
    named = [r for r in srd if r.named]
    hardware = {"FilterComplement", "Nfilters", "TFmax", "Fleak", "FleakTot", "ETmin", "pixSize"}
    counted = [r for r in named if r.id.removeprefix("LPM-17.") not in hardware]
    assert (len(srd), len(named), len(counted)) == (65, 61, 54)
    assert hardware < {r.id.removeprefix("LPM-17.") for r in srd if r.scope == "system"}


def test_dmsr_parameters_equal_the_table_exactly(found):
    ours = {
        c.id: (c.levels["given"], c.source_unit)
        for r in of_document(found, "LSE-61")
        for c in r.criteria
        if c.kind == "value"
    }
    theirs = {
        f"{row['req_id']}/{row['parameter'].removeprefix('inline:')}": (
            float(row["value"]),
            row["unit"],
        )
        for row in table("dmsr_parameters")
    }
    assert ours == theirs
    assert len(ours) == 148


def test_every_dmsr_row_has_one_capability_beside_its_values(found):
    for requirement in of_document(found, "LSE-61"):
        kinds = [c.kind for c in requirement.criteria]
        assert kinds.count("capability") == 1, requirement.id
        assert requirement.criteria[0].levels == {"given": None}


@pytest.mark.parametrize("row", table("srd"), ids=lambda row: row["row_id"])
def test_every_srd_row_is_there(found, row):
    criteria = [c for c in found.criteria.values() if c.source_row == f"LPM-17.{row['row_id']}"]
    assert criteria
    unit = dict(PRINTED_UNITS).get(row["unit"], row["unit"])
    for criterion in criteria:
        assert criterion.unit == unit
        for level in STRICTNESS:
            printed = row[level] or None
            if criterion.op != "includes" and printed is not None:
                printed = float(printed)
            assert criterion.levels.get(level) == printed


def test_every_secondhand_value_is_there_and_marked(found):
    for row in table("oss_secondhand"):
        key = UNNUMBERED if row["oss_req"] == "not stated" else row["oss_req"]
        requirement = found.requirements[key]
        assert requirement.secondhand
        if row["value"]:
            assert found.criteria[f"{key}/{row['parameter']}"].levels["given"] == float(
                row["value"]
            )
        else:
            assert requirement.criteria == ()


def test_every_upstream_id_is_a_requirement_or_a_node(found):
    named = {u for row in table("dmsr") for u in row["upstream_ids"].split(";") if u}
    assert len(named) == 164
    for key in named:
        assert key in found.requirements or key in found.nodes
    assert {n.document for k, n in found.nodes.items() if k.startswith("LSR")} == {"LSE-29"}


def test_verification_elements_and_test_cases_are_linked(found):
    assert len(verification_elements()) == 787
    assert len(cases_of_rubin()) == 662
    for key, elements in elements_of().items():
        assert key in found.requirements or key in found.nodes
        if key in found.requirements:
            assert found.requirements[key].verification_elements == elements
    assert sum(len(r.verification_elements) for r in of_document(found, "LSE-61")) == 310


def test_texts_are_written_one_by_one(found):
    texts = [r.text for r in found.requirements.values()]
    assert len(set(texts)) == len(texts)
    openings = [" ".join(t.split()[:6]) for t in texts]
    assert max(openings.count(o) for o in openings) <= 2
    capabilities = [c.text for c in found.criteria.values() if c.kind == "capability"]
    assert len(set(capabilities)) == 239


def test_every_criterion_has_a_binding_level(found):
    for criterion in found.criteria.values():
        assert (
            criterion.binding_level
            in found.documents[found.requirement_of(criterion).document].levels
        )
        if criterion.role == "limit":
            assert criterion.binding_level in criterion.levels


def test_a_secondhand_title_says_whose_it_is(found):
    for requirement in of_document(found, "LSE-30"):
        printed = requirement.note.startswith("Name as printed in the derivation lists")
        ours = requirement.note.startswith("The name is ours")
        assert (requirement.named, not requirement.named) == (printed, ours), requirement.id


def test_metrics_of_the_dmsr_are_listed_in_the_order_of_the_srd(found):
    srd = [r.id.removeprefix("LPM-17.") for r in of_document(found, "LPM-17")]
    names = [c.name for c in found.requirements["DMS-REQ-0360"].criteria if c.kind == "value"]
    assert names == [n for n in srd if n in names]
    assert names[0] == "AM1"
    photometric = [c.name for c in found.requirements["DMS-REQ-0359"].criteria]
    assert photometric[1:6] == ["PA1gri", "PA1uzy", "PF1", "PA2gri", "PA2uzy"]
