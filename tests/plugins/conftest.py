"""Install third-party packages into a folder of their own, and run `assay` with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from dataclasses import dataclass
from importlib import invalidate_caches
from pathlib import Path

import numpy as np
import pytest

from skyassay.metrics.registry import load_metrics
from skyassay.pipeline.products.io import write_table
from skyassay.requirements_map import loading
from skyassay.verify.cli import main

PACKAGE = Path(__file__).parent.parent / "plugin_package"
MODULE = "assay_visit_zeropoint"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Site:
    """A folder of installed packages beside those of this interpreter."""

    folder: Path

    def install(self, source: Path = PACKAGE) -> None:
        """Put a package's modules and its entry points where Python finds them.

        What `pip install --no-deps --target` leaves behind, made from pyproject.toml
        without a build back end, so that the test needs no network.
        """
        project = tomllib.loads((source / "pyproject.toml").read_text())
        for module in project["tool"]["setuptools"]["py-modules"]:
            shutil.copy(source / f"{module}.py", self.folder)
        entries = {
            group: {name: str(value) for name, value in points.items()}
            for group, points in project["project"]["entry-points"].items()
        }
        self.declare(project["project"]["name"], entries)

    def declare(self, name: str, entries: dict[str, dict[str, str]]) -> None:
        """Write the metadata of an installed distribution."""
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, points in entries.items():
            lines += [f"[{group}]", *(f"{k} = {v}" for k, v in points.items()), ""]
        (info / "entry_points.txt").write_text("\n".join(lines))

    def edit(self, old: str, new: str, module: str = MODULE) -> None:
        """Replace text that is there once in an installed module."""
        path = self.folder / f"{module}.py"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        path.write_text(text.replace(old, new))

    def assay(self, *words: str) -> Done:
        """Run the command in a process of its own; warnings would show."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "NO_COLOR": "1"}
        env.pop("SKYASSAY_STORE", None)
        done = subprocess.run(
            [sys.executable, "-m", "skyassay.verify.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=env,
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr[-2000:]
        assert "Warning" not in done.stderr, done.stderr[-2000:]
        return Done(done.returncode, done.stdout, done.stderr)


def forget_plugins() -> None:
    """Empty the caches of what is installed, and of the modules that were."""
    for name in (MODULE, "share"):
        sys.modules.pop(name, None)
    load_metrics.cache_clear()
    loading._load_installed.cache_clear()
    invalidate_caches()


@pytest.fixture
def call(site: Site, monkeypatch, capsys):
    """Run a command in this process with the packages of the site: quicker than `assay`."""
    monkeypatch.syspath_prepend(str(site.folder))
    monkeypatch.chdir(site.folder)
    monkeypatch.delenv("SKYASSAY_STORE", raising=False)

    def run(*words: str) -> Done:
        forget_plugins()
        with pytest.raises(SystemExit) as stop, warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            main(list(words))
        captured = capsys.readouterr()
        return Done(int(stop.value.code or 0), captured.out, captured.err)

    yield run
    forget_plugins()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return an empty folder of packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def installed(site: Site) -> Site:
    """Return a folder with the plugin package of this tree."""
    site.install()
    return site


@pytest.fixture
def catalog(tmp_path: Path):
    """Return a writer of 60 stars in 20 visits of g, r and i with a wandering zero point."""

    def write(drift: float, seed: int = 4) -> str:
        rng = np.random.default_rng(seed)
        stars, visits, bands = 60, 20, np.array(["g", "r", "i"])
        n = stars * visits * len(bands)
        star, visit, band = np.unravel_index(np.arange(n), (stars, visits, len(bands)))
        zero_point = rng.normal(0, drift / 1e3, (visits, len(bands)))[visit, band]
        mag = rng.uniform(17.5, 19.0, stars)[star] + zero_point + rng.normal(0, 0.004, n)
        flux = 10 ** ((31.4 - mag) / 2.5)
        table = {
            "objectId": star,
            "visit": visit + 100 * band,
            "band": bands[band],
            "coord_ra": 10 + 0.1 * rng.random(stars)[star] + rng.normal(0, 2e-6, n),
            "coord_dec": -5 + 0.1 * rng.random(stars)[star] + rng.normal(0, 2e-6, n),
            "psfFlux": flux,
            "psfFluxErr": flux / 400,
            "extendedness": np.zeros(n),
        }
        path = write_table(tmp_path / f"drift{drift}.parquet", "matched_source", table)
        return f"matched_source={path}"

    return write
