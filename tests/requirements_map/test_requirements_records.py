"""Records of people: complete, dated, hashed, or refused."""

from __future__ import annotations

import pytest

from skyassay.requirements_map import RequirementsError
from skyassay.requirements_map.records import Gap, read_records

GAP = "gaps:\n  - {owner: me, date: '2026-11-22', reason: because, ids: [A/x, A/y]}\n"
WAIVER = (
    "waivers:\n  - {id: W-1, criterion: A/x, reason: r, person: p, "
    "date: '2026-11-22', expires: '2027-01-01'}\n"
)
INSPECTION = (
    "inspections:\n  - {requirement: A, person: p, date: '2026-11-22', document: d.pdf, "
    "sha256: " + "ab" * 32 + "}\n"
)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "records.yaml"
        path.write_text(text)
        return path

    return write


def test_one_entry_may_hold_several_gaps(write):
    records = read_records(write(GAP + WAIVER + INSPECTION))
    assert records.gaps == (
        Gap("A/x", "me", "2026-11-22", "because"),
        Gap("A/y", "me", "2026-11-22", "because"),
    )
    assert records.waivers[0].expires == "2027-01-01"
    assert records.inspections[0].sha256 == "ab" * 32


@pytest.mark.parametrize(
    "text",
    [
        GAP.replace("owner: me", "owner: ''"),
        GAP.replace("2026-11-22", "22 Nov 2026"),
        GAP.replace("2026-11-22", "20261122"),
        GAP.replace("reason: because, ", ""),
        GAP.replace("owner", "ownr"),
        WAIVER.replace("2027-01-01", "2027-02-30"),
        WAIVER.replace("person: p, ", ""),
        INSPECTION.replace("abab", "xyxy", 1),
        "gap: []\n",
        "gaps: {}\n",
        "- 1\n",
        "",
    ],
)
def test_what_is_not_complete_is_refused(write, text):
    with pytest.raises(RequirementsError) as error:
        read_records(write(text))
    assert (error.value.code, error.value.exit_code) == ("schema", 4)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RequirementsError) as error:
        read_records(tmp_path / "none.yaml")
    assert error.value.code == "no_such_file"
