"""What is absent or cannot be read is said in words; what can be measured is measured."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest
from astropy.table import Table
from lsst.daf.butler import Butler

from skyassay.pipeline.products import ProductError, products
from skyassay.requirements_map import load
from skyassay.verify.butler import finding
from skyassay.verify.butler.opening import open_repository
from skyassay.verify.butler.source import ButlerSource, open_collection
from skyassay.verify.cli import main
from skyassay.verify.errors import VerifyError
from skyassay.verify.measuring import Request, choose, measure, with_tables
from skyassay.verify.tables.checks import Check, checks

from .hands import CAMERA, RUN, VISITS, open_again, records, register, source_table

PA1 = "photometry.repeatability.pa1"


def refused(*arguments: str | None) -> VerifyError:
    """Return the error of opening."""
    open_repository.cache_clear()
    with pytest.raises(VerifyError) as caught:
        open_collection(*arguments)
    return caught.value


def test_no_repository(tmp_path: Path) -> None:
    error = refused(str(tmp_path), RUN)
    assert (error.code, error.exit_code) == ("not_a_repository", 4)


def test_a_configuration_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "butler.yaml").write_text("[this: is no", "utf-8")
    error = refused(str(tmp_path), RUN)
    assert (error.code, error.exit_code) == ("unreadable_repository", 3)


def test_an_empty_repository(tmp_path: Path) -> None:
    Butler.makeRepo(str(tmp_path / "repo"))
    error = refused(str(tmp_path / "repo"), "any")
    assert (error.code, error.exit_code) == ("empty_repository", 3)


def test_an_unknown_collection_and_none(made: Path) -> None:
    error = refused(str(made), "HandCam/runs/on")
    assert (error.code, error.exit_code) == ("unknown_collection", 4)
    assert f"Did you mean {RUN}" in error.hint
    assert refused(str(made), None).code == "no_collection"
    assert refused(str(made), RUN, "verity").code == "unknown_collection"


def test_a_collection_without_any_table(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True)
    for name in ("raw", "bias"):
        refs = butler.query_datasets(name, "*", find_first=False, explain=False)
        butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
    butler.collections.register("nothing")
    butler.collections.x_remove("HandCam/calib")
    error = refused(str(repo), "nothing")
    assert (error.code, error.exit_code) == ("no_products", 3)
    assert "visit_table" in error.hint


def test_a_registry_of_another_version(repo: Path) -> None:
    with sqlite3.connect(repo / "gen3.sqlite3") as database:
        database.execute(
            "UPDATE butler_attributes SET value = '99.0.0' WHERE name LIKE 'version:%Dimension%'"
        )
    error = refused(str(repo), RUN)
    assert (error.code, error.exit_code) == ("repository_outdated", 3)
    assert "igrate" in error.hint


def test_without_the_extra(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lsst.daf.butler", None)
    error = refused(str(made), RUN)
    assert (error.code, error.exit_code) == ("no_butler", 4)
    assert "skyassay[images]" in error.hint


def lose(repo: Path, visit: int) -> None:
    """Remove the file of a source table from under the registry."""
    butler = Butler.from_config(str(repo))
    ref = butler.find_dataset("source", instrument=CAMERA, visit=visit, collections=RUN)
    Path(butler.getURI(ref).ospath).unlink()


def test_a_lost_file_takes_its_product_and_no_other(repo: Path) -> None:
    lose(repo, VISITS[1])
    source = open_again(repo, RUN)
    assert "visit_table" in source.products
    assert not {"source", "matched_source"} & set(source.products)
    wanted = (
        "catalog.sources.incomplete",
        "instrument.census.etmin",
        PA1,
    )
    made = measure(source, Request(metrics=wanted), load())
    reasons = {m.metric: (m.status, m.reason) for m in made.measurements}
    assert reasons["catalog.sources.incomplete"] == ("NOT_MEASURED", "unreadable_data")
    assert reasons[PA1] == ("NOT_MEASURED", "unreadable_data")
    assert reasons["instrument.census.etmin"][1] != "unreadable_data"
    said = [f.message for f in made.findings if f.code == "unreadable_data"]
    assert any(f"visit {VISITS[1]}" in text for text in said)


def test_rows_that_are_damaged_name_their_dataset(repo: Path) -> None:
    butler = Butler.from_config(str(repo))
    ref = butler.find_dataset("source", instrument=CAMERA, visit=VISITS[1], collections=RUN)
    path = Path(butler.getURI(ref).ospath)
    content = bytearray(path.read_bytes())
    content[40:400] = bytes(360)
    path.write_bytes(bytes(content))
    open_repository.cache_clear()
    with pytest.raises(ProductError, match=f"visit {VISITS[1]}") as caught:
        source = open_collection(str(repo), RUN, None)
        assert "source" in source.products
        list(source.partitions({"source": ("sourceId", "psfFlux")}, "visit", 1))
    assert (caught.value.code, caught.value.exit_code) == ("unreadable_data", 3)


def test_a_lost_file_is_not_left_out_where_no_metric_is_named(repo: Path) -> None:
    lose(repo, VISITS[0])
    run, _ = with_tables(choose((), None), open_again(repo, RUN))
    assert {PA1, "catalog.sources.incomplete"} <= {m.id for m in run}
    assert "photometry.zero_point.pa5" not in {m.id for m in run}  # there is no object table


def test_a_storage_class_of_software_that_is_not_here(repo: Path) -> None:
    with sqlite3.connect(repo / "gen3.sqlite3") as database:
        database.execute(
            "UPDATE dataset_type SET storage_class='SourceCatalog' WHERE name='source'"
        )
    source = open_again(repo, RUN)
    assert "source" not in source.products
    assert "stored as SourceCatalog" in source.unreadable["source"]
    assert source.absent("source").code == "unreadable_data"


def test_a_catalog_without_raws_has_not_lost_them(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True)
    refs = butler.query_datasets("raw", "HandCam/raw/all")
    butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
    source = open_again(repo, RUN)
    assert "raw_inventory" not in source.products
    assert "calibration_inventory" in source.products


def test_whose_data(made: Path, tmp_path: Path) -> None:
    real = open_collection(str(made), RUN).origin()
    assert (real.evidence_level, real.subject) == ("real", f"{CAMERA}, {RUN}")
    root = tmp_path / "drawn"
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True, run=RUN)
    records(butler, simulated=True)
    register(butler, "source", ("instrument", "visit"), "ArrowAstropy")
    import numpy as np

    table = source_table(VISITS[0], np.random.default_rng(0))
    butler.put(table, "source", instrument=CAMERA, visit=VISITS[0])
    drawn = open_again(root, RUN)
    assert drawn.origin().evidence_level == "pixels"
    assert "simulated images" in drawn.origin().subject
    request = Request(metrics=(PA1,))
    assert measure(drawn, request, load()).run.evidence_level == "pixels"
    with pytest.raises(VerifyError, match="not real"):
        measure(drawn, Request(evidence_level="real"), load())


def test_names_are_those_of_the_pipeline() -> None:
    from skyassay.pipeline.instrument.simcam import SimCam
    from skyassay.pipeline.repository import names

    assert f"{SimCam.__module__}.{SimCam.__qualname__}" == finding.OURS
    assert (finding.REFERENCES, finding.TRUTH) == (names.REFERENCES, names.TRUTH)
    assert names.REFERENCE in finding.NAMES["reference_star"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command."""
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    said = capsys.readouterr()
    return int(stopped.value.code or 0), said.out, said.err


def test_the_command(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--repo", str(made), "--collection", RUN, "--store", "none", "--no-contract")
    code, out, _ = run(capsys, "measure", *where, "--metric", "processing.raw.kept")
    assert code == 0
    assert "88.89 %" in out  # eight of nine frames arrived
    code, out, _ = run(capsys, "verify", *where, "--metric", "processing.raw.kept")
    assert code == 1
    code, _, err = run(capsys, "measure", *where, "--table", "source=x.parquet")
    assert (code, "bad_inputs" in err) == (4, True)
    code, _, err = run(capsys, "measure")
    assert (code, "bad_inputs" in err) == (4, True)


def test_stand_ins_are_of_known_products() -> None:
    assert set(finding.NAMES) <= set(products())
    for product, names in finding.NAMES.items():
        assert names[0] == product  # what goes by the product's own name is read first


def test_a_product_without_a_key_has_no_contract_about_it(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True, run="work")
    register(butler, "quantum_summary", ("instrument",), "ArrowAstropy")
    rows = {"label": ["isr", "isr"], "dataId": ["", ""], "status": ["SUCCESS", "SUCCESS"]}
    butler.put(Table(rows), "quantum_summary", instrument=CAMERA)
    source = open_again(repo, "work")
    assert all(check.columns or check.kind == "rows" for check in checks_of(source))
    parts = list(source.partitions({"quantum_summary": ("label",)}, "row", 2))
    # handed to several parts, each row would count as often
    assert [p["quantum_summary"]["label"].tolist() for p in parts] == [["isr", "isr"]]


def checks_of(source: ButlerSource) -> tuple[Check, ...]:
    stored = source.one("quantum_summary")
    return checks(stored.product, stored.columns())
