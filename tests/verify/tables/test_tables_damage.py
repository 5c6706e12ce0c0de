"""Damaged files: an error with a name, or the same values; never other values."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables import open_tables


def read(path):
    source = open_tables({"matched_source": path})
    (part,) = source.partitions({"matched_source": source.columns("matched_source")}, "object", 1)
    return {name: (v.dtype.str, v.tobytes()) for name, v in part["matched_source"].items()}


def flips(size, count, seed):
    rng = np.random.default_rng(seed)
    return zip(
        rng.integers(0, size, count).tolist(), rng.integers(0, 8, count).tolist(), strict=True
    )


def outcome(path, expected):
    try:
        return "same" if read(path) == expected else "SILENT"
    except ProductError as error:
        return error.code


@pytest.mark.parametrize("seed", [1, 2])
def test_flipped_bits_in_our_parquet_are_seen(matched, write, seed):
    path = write(matched)
    good, expected = path.read_bytes(), read(path)
    seen = []
    for byte, bit in flips(len(good), 200, seed):
        bad = bytearray(good)
        bad[byte] ^= 1 << bit
        path.write_bytes(bad)
        seen.append(outcome(path, expected))
    assert set(seen) <= {"same", "unreadable_data"}
    assert seen.count("unreadable_data") > 100


@pytest.mark.slow
def test_every_flipped_bit_of_the_footer_is_seen(matched, write):
    path = write(matched)
    good, expected = path.read_bytes(), read(path)
    start = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    seen = set()
    for byte in range(start, len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[byte] ^= 1 << bit
            path.write_bytes(bad)
            seen.add(outcome(path, expected))
    assert seen == {"same", "unreadable_data"}


def test_a_flip_without_checksums_is_why_the_note_is_there(matched, write_plain):
    path = write_plain(matched, compression="none", use_dictionary=False)
    good, expected = path.read_bytes(), read(path)
    value = np.float64(matched["psfFlux"][0]).tobytes()
    assert good.count(value) >= 1
    path.write_bytes(good.replace(value, np.float64(matched["psfFlux"][0] + 1).tobytes()))
    assert outcome(path, expected) == "SILENT"
    notes = {note.code: note for note in open_tables({"matched_source": path}).notes()}
    assert "cannot be seen" in notes["no_page_checksums"].message


def test_truncated_parquet_is_unreadable(matched, write):
    path = write(matched)
    good = path.read_bytes()
    for size in np.linspace(0, len(good) - 1, 50).astype(int).tolist():
        path.write_bytes(good[:size])
        with pytest.raises(ProductError, match="damaged") as caught:
            read(path)
        assert (caught.value.code, caught.value.exit_code) == ("unreadable_data", 3)
        assert "\n" not in str(caught.value)


def test_damaged_fits_with_checksums_is_unreadable(matched, tmp_path):
    path = tmp_path / "m.fits"
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(Table(matched))])
    hdus.writeto(path, checksum=True)
    good, expected = path.read_bytes(), read(path)
    seen = []
    for byte, bit in flips(len(good), 100, 3):
        bad = bytearray(good)
        bad[byte] ^= 1 << bit
        path.write_bytes(bad)
        seen.append(outcome(path, expected))
    # Flips in the cards that are the checksums, or in no table, leave the values alone.
    assert "SILENT" not in seen
    assert seen.count("unreadable_data") > 50


@pytest.mark.parametrize("kind", ["fits", "ecsv"])
def test_truncated_tables_are_unreadable(matched, tmp_path, kind):
    path = tmp_path / f"m.{kind}"
    Table(matched).write(path, **({"format": "ascii.ecsv"} if kind == "ecsv" else {}))
    good = path.read_bytes()
    for share in (0.0, 0.01, 0.1, 0.3):
        path.write_bytes(good[: int(share * len(good))])
        with pytest.raises(ProductError) as caught:
            read(path)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize("name", ["m.parquet", "m.fits", "m.ecsv"])
@pytest.mark.parametrize("content", [b"", b"PAR1PAR1", b"\x00" * 4096, b"<html>404</html>" * 50])
def test_what_is_no_table_is_unreadable(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ProductError) as caught:
        open_tables({"matched_source": path})
    assert (caught.value.code, caught.value.exit_code) == ("unreadable_data", 3)


def test_a_damaged_footer_does_not_end_the_process(matched, write):
    """Some flips make PyArrow abort when column chunks are asked for; we do not ask."""
    path = write(matched)
    good = path.read_bytes()
    code = (
        "import sys; from skyassay.verify.tables import open_tables\n"
        "from skyassay.pipeline.products import ProductError\n"
        "good = open(sys.argv[1], 'rb').read()\n"
        "start = len(good) - 8 - int.from_bytes(good[-8:-4], 'little')\n"
        "for byte in range(start, len(good), 7):\n"
        "    bad = bytearray(good); bad[byte] ^= 4; open(sys.argv[1], 'wb').write(bad)\n"
        "    try: open_tables({'matched_source': sys.argv[1]})\n"
        "    except ProductError: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert len(good) > 2000
