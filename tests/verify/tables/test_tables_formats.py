"""Each format, with and without units, gives the same table."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import open_tables

COLUMNS = (
    "objectId", "visit", "band", "coord_ra", "coord_dec", "psfFlux", "psfFluxErr",
    "extendedness", "sourceId", "detector", "detect_isPrimary", "pixelFlags_bad",
)  # fmt: skip
UNITS = {"coord_ra": "deg", "coord_dec": "deg", "psfFlux": "nJy", "psfFluxErr": "nJy"}


def astropy_table(matched, units=UNITS):
    table = Table(matched)
    for name, unit in units.items():
        table[name].unit = unit
    return table


def assert_same(got, matched, rtol=0.0):
    for name in COLUMNS:
        assert got[name].dtype.kind == matched[name].dtype.kind, name
        if got[name].dtype.kind == "f":
            np.testing.assert_allclose(got[name], matched[name], rtol=rtol, err_msg=name)
        else:
            np.testing.assert_array_equal(got[name], matched[name], err_msg=name)


def write_as(kind, table, folder):
    path = folder / f"m.{kind.split('-')[0]}"
    if kind == "fits-checksum":
        hdu = fits.table_to_hdu(table)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, checksum=True)
    elif kind == "fits":
        table.write(path)
    elif kind == "ecsv":
        table.write(path, format="ascii.ecsv")
    else:
        table.write(path, format="parquet")
    return path


@pytest.mark.parametrize("kind", ["fits", "fits-checksum", "ecsv", "parquet"])
def test_round_trip_through_astropy(matched, tmp_path, read_all, kind):
    path = write_as(kind, astropy_table(matched), tmp_path)
    source = open_tables({"matched_source": path})
    assert_same(read_all(source, COLUMNS), matched)
    codes = {note.code for note in source.notes()}
    assert codes == (set() if kind == "fits-checksum" else {"no_page_checksums"})


@pytest.mark.parametrize("kind", ["fits", "ecsv", "parquet"])
def test_units_are_converted(matched, tmp_path, read_all, kind):
    units = {"coord_ra": "rad", "coord_dec": "arcsec", "psfFlux": "Jy", "psfFluxErr": "mJy"}
    scaled = dict(matched)
    scaled["coord_ra"] = np.radians(matched["coord_ra"])
    scaled["coord_dec"] = matched["coord_dec"] * 3600
    scaled["psfFlux"] = matched["psfFlux"] * 1e-9
    scaled["psfFluxErr"] = matched["psfFluxErr"] * 1e-6
    path = write_as(kind, astropy_table(scaled, units), tmp_path)
    got = read_all(open_tables({"matched_source": path}), COLUMNS)
    assert_same(got, matched, rtol=1e-14)


@pytest.mark.parametrize("kind", ["fits", "ecsv", "parquet"])
def test_a_missing_unit_is_assumed_and_said(matched, tmp_path, read_all, kind):
    path = write_as(kind, astropy_table(matched, {"coord_ra": "deg"}), tmp_path)
    source = open_tables({"matched_source": path})
    assert_same(read_all(source, COLUMNS), matched)
    (note,) = [n for n in source.notes() if n.code == "unit_assumed"]
    assert "psfFlux [nJy]" in note.message
    assert "coord_ra" not in note.message


def test_our_own_parquet_needs_no_note(matched, write, read_all):
    source = open_tables({"matched_source": write(matched)})
    assert_same(read_all(source, COLUMNS), matched)
    assert source.notes() == ()
    assert source.columns("matched_source") == COLUMNS


def test_checksums_without_a_digest_of_the_footer_are_told_apart(matched, write_plain):
    path = write_plain(matched, write_page_checksum=True)
    assert [n.code for n in open_tables({"matched_source": path}).notes()] == ["no_footer_digest"]


@pytest.mark.parametrize("unit", ["mag", "s", "mag(AB)", "pix2", "mas/yr"])
@pytest.mark.parametrize("column", ["psfFlux", "coord_ra", "extendedness"])
def test_a_unit_of_something_else_is_an_error(matched, write_plain, unit, column):
    path = write_plain(matched, {**UNITS, column: unit})
    source = open_tables({"matched_source": path})
    (note,) = [n for n in source.notes() if n.column == column]
    assert (note.code, note.severity) == ("wrong_unit", "error")
    with pytest.raises(ProductError, match=column) as caught:
        list(source.partitions({"matched_source": COLUMNS}, "object", 1))
    assert (caught.value.code, caught.value.exit_code) == ("wrong_unit", 3)


@pytest.mark.parametrize("unit", ["furlongs!!", "nJy nJy)", "__import__('os')", "x" * 50])
@pytest.mark.parametrize("kind", ["parquet", "fits", "ecsv"])
def test_a_unit_that_is_none_is_an_error(matched, write_plain, tmp_path, unit, kind):
    if kind == "parquet":
        path = write_plain(matched, {**UNITS, "psfFlux": unit})
    elif kind == "fits":
        hdu = fits.table_to_hdu(astropy_table(matched))
        hdu.columns["psfFlux"].unit = unit
        path = tmp_path / "m.fits"
        hdu.writeto(path)
    else:
        path = write_as("ecsv", astropy_table(matched), tmp_path)
        text = path.read_text().replace("unit: nJy", f'unit: "{unit}"')
        path.write_text(text)
    source = open_tables({"matched_source": path})
    with pytest.raises(ProductError, match="psfFlux") as caught:
        list(source.partitions({"matched_source": COLUMNS}, "object", 1))
    assert caught.value.code == "unit_unparsable"


def test_a_unit_longer_than_any_is_not_even_parsed(matched, write_plain):
    path = write_plain(matched, {**UNITS, "psfFlux": "(" * 5000})
    (note,) = [n for n in open_tables({"matched_source": path}).notes() if n.column == "psfFlux"]
    assert note.code == "unit_unparsable"
    assert len(note.message) < 400


def test_masked_fits_integers_and_texts(matched, tmp_path, read_all):
    table = astropy_table(matched)
    table["detector"] = MaskedColumn(matched["detector"], mask=matched["detector"] > 100)
    table["psfFlux"] = MaskedColumn(matched["psfFlux"], mask=matched["visit"] == 101, unit="nJy")
    table.write(tmp_path / "m.fits")
    got = read_all(open_tables({"matched_source": tmp_path / "m.fits"}), COLUMNS)
    np.testing.assert_array_equal(np.isnan(got["detector"]), matched["detector"] > 100)
    np.testing.assert_array_equal(np.isnan(got["psfFlux"]), matched["visit"] == 101)
    assert got["band"].tolist() == matched["band"].tolist()


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", "string_view", "binary"])
def test_text_types(matched, write_plain, read_all, kind):
    text = pa.array(matched["band"].tolist())
    text = text.dictionary_encode() if kind == "dictionary" else text.cast(getattr(pa, kind)())
    got = read_all(open_tables({"matched_source": write_plain({**matched, "band": text})}), COLUMNS)
    assert got["band"].tolist() == matched["band"].tolist()


def test_nullable_integers_from_pandas(matched, write_plain, read_all):
    holes = matched["detector"] > 100
    values = pa.array(matched["detector"], mask=holes)
    floats = np.where(holes, np.nan, matched["detector"])
    for detector in (values, floats):
        path = write_plain({**matched, "detector": detector})
        got = read_all(open_tables({"matched_source": path}), COLUMNS)
        np.testing.assert_array_equal(np.isnan(got["detector"]), holes)


def test_an_unknown_flag_counts_as_bad_and_is_reported(matched, write_plain, read_all):
    hole = np.arange(len(matched["visit"])) < 4
    table = {
        **matched,
        "pixelFlags_bad": pa.array(matched["pixelFlags_bad"], mask=hole),
        "detect_isPrimary": pa.array(matched["detect_isPrimary"], mask=hole),
    }
    source = open_tables({"matched_source": write_plain(table)})
    got = read_all(source, COLUMNS)
    assert got["pixelFlags_bad"][:4].all()
    assert not got["detect_isPrimary"][:4].any()
    noted = {(n.column, n.count) for n in source.notes() if n.code == "null_flag"}
    assert noted == {("pixelFlags_bad", 4), ("detect_isPrimary", 4)}


def test_rubin_spellings(matched, write_plain, read_all):
    other = {
        "coord_ra": "ra",
        "coord_dec": "dec",
        "visit": "visitId",
        "objectId": "isolated_star_id",
    }
    table = {other.get(k, k): v for k, v in matched.items()}
    units = {other.get(k, k): v for k, v in UNITS.items()}
    source = open_tables({"matched_source": write_plain(table, units)})
    assert_same(read_all(source, COLUMNS), matched)


def test_our_spelling_goes_before_an_alias(matched, write_plain, read_all):
    table = {"ra": np.zeros(len(matched["visit"])), **matched}
    source = open_tables({"matched_source": write_plain(table)})
    assert_same(read_all(source, COLUMNS), matched)
    assert "alias_ignored" in {n.code for n in source.notes()}


def test_an_alias_in_another_unit_is_converted(tmp_path, write_plain):
    table = {"diaSourceId": [1], "ssObjectId": [2], "residualRa": [1.0]}
    source = open_tables({"ss_source": write_plain(table, {})})
    (part,) = source.partitions({"ss_source": ("ephOffsetRa",)}, "row", 1)
    assert part["ss_source"]["ephOffsetRa"].tolist() == [3600.0]


def test_a_unit_on_which_releases_differ_must_be_stated(write_plain):
    table = {"diaSourceId": [1], "visit": [2], "dipoleLength": [1.0]}
    source = open_tables({"dia_source": write_plain(table, {})})
    with pytest.raises(ProductError, match="dipoleLength") as caught:
        list(source.partitions({"dia_source": ("dipoleLength",)}, "row", 1))
    assert caught.value.code == "unit_ambiguous"
    source = open_tables({"dia_source": write_plain(table, {"dipoleLength": "arcsec"})})
    list(source.partitions({"dia_source": ("dipoleLength",)}, "row", 1))


def test_a_directory_is_one_table_and_its_identity_is_its_content(
    matched, write, tmp_path, read_all
):
    folder = tmp_path / "set" / "deep"
    folder.mkdir(parents=True)
    half = len(matched["visit"]) // 2
    first = {k: v[:half] for k, v in matched.items()}
    second = {k: v[half:] for k, v in matched.items()}
    write(first, "set/a.parquet")
    write({k: v for k, v in second.items() if k != "detector"}, "set/deep/b.parquet")
    (tmp_path / "set" / "_metadata").write_text("no table")
    source = open_tables({"matched_source": str(tmp_path / "set")})
    assert "detector" not in source.columns("matched_source")
    names = [c for c in COLUMNS if c != "detector"]
    got = read_all(source, COLUMNS, count=7)
    assert set(got) == set(names)
    assert sorted(got["sourceId"]) == sorted(matched["sourceId"])
    before = source.identity()["matched_source"]
    assert before["path"] == str(tmp_path / "set")
    assert before["rows"] == len(matched["visit"])
    (tmp_path / "set" / "a.parquet").rename(tmp_path / "set" / "c.parquet")
    after = open_tables({"matched_source": str(tmp_path / "set")}).identity()["matched_source"]
    assert before["sha256"] != after["sha256"]


def test_the_format_is_seen_without_an_ending(matched, write, tmp_path, read_all):
    path = write(matched).rename(tmp_path / "catalogue")
    assert_same(read_all(open_tables({"matched_source": path}), COLUMNS), matched)


def test_only_the_columns_asked_for_are_read(matched, write, monkeypatch):
    asked = []
    original = pq.ParquetFile.iter_batches

    def spy(self, *args, columns=None, **kwargs):
        asked.append(set(columns))
        return original(self, *args, columns=columns, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    source = open_tables({"matched_source": write(matched)})
    (part,) = source.partitions({"matched_source": ("psfFlux",)}, "object", 1)
    assert set(part["matched_source"]) == {"psfFlux"}
    assert "pixelFlags_bad" not in asked[0]
    assert "detector" not in asked[0]
