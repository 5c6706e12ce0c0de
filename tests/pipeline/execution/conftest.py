"""A demonstration repository, its tasks where workers find them, and one pool of workers."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsst.utils.packages import Packages

FOLDER = str(Path(__file__).parent)
VISITS, DETECTORS = 2, 3


@pytest.fixture(scope="session")
def demo():
    """Return the module of the demonstration, imported as the workers import it."""
    sys.path.insert(0, FOLDER)
    try:
        import execution_demo

        yield execution_demo
    finally:
        sys.path.remove(FOLDER)


@pytest.fixture(scope="session")
def empty_repository(demo, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("repository") / "repo"
    demo.make_repository(root, VISITS, DETECTORS)
    return root


@pytest.fixture(autouse=True, scope="session")
def _packages_once():
    """List the installed packages once: it takes a fifth of each run of a few quanta."""
    once = functools.cache(Packages.fromSystem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Packages, "fromSystem", once)
        yield


@pytest.fixture
def repo(empty_repository, tmp_path) -> Path:
    """Return a repository of one's own."""
    return Path(shutil.copytree(empty_repository, tmp_path / "repo"))


@pytest.fixture(scope="session")
def scheduler(demo) -> Iterator[str]:
    """Return the address of a scheduler with two workers."""
    import dask
    import distributed

    from skyassay.pipeline.execution.pool import SETTINGS

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (FOLDER, before)))
    with (
        dask.config.set(SETTINGS),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
    ):
        yield cluster.scheduler_address
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before
