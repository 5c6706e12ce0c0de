"""Repositories for tests: one that is shared and copies that may be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from skyassay.verify.butler.opening import open_repository

from .hands import RUN, frames, records, tables


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with sources, stars, visits, raws and calibrations; do not change it."""
    root = tmp_path_factory.mktemp("butler") / "repo"
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True, run=RUN)
    records(butler)
    tables(butler)
    frames(butler)
    return root


@pytest.fixture
def repo(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the repository that may be changed."""
    copy = tmp_path / "repo"
    shutil.copytree(made, copy)
    open_repository.cache_clear()
    return copy
