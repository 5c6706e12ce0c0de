"""What every test may rely on: real data, a browser, and how hard Hypothesis looks.

A test marked `real`, `browser` or `postgres` skips, saying so, where the machine lacks what
it needs, and fails there when SKYASSAY_REQUIRE_REAL (_BROWSER, _POSTGRES) is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

CHROMIUM = Path(os.environ.get("SKYASSAY_CHROMIUM", "/usr/bin/chromium"))

# A shared machine makes any deadline a coin toss. The fast suite looks at the same few
# examples every time, so that it fails for a reason; the whole one draws new ones.
_SLOW_IS_NO_FAULT = [HealthCheck.too_slow]
settings.register_profile(
    "fast",
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=_SLOW_IS_NO_FAULT,
)
settings.register_profile(
    "all", max_examples=200, deadline=None, suppress_health_check=_SLOW_IS_NO_FAULT
)
settings.load_profile("all" if os.environ.get("SKYASSAY_TESTS") == "all" else "fast")


def missing(mark: str, environment: Mapping[str, str]) -> str | None:
    """Return what a test with this mark lacks on this machine, in words."""
    if mark == "real":
        folder = environment.get("SKYASSAY_REAL_DATA")
        if not folder:
            return "SKYASSAY_REAL_DATA names no folder of real data"
        return None if Path(folder).is_dir() else f"SKYASSAY_REAL_DATA: {folder} is no folder"
    if mark == "browser":
        path = Path(environment.get("SKYASSAY_CHROMIUM", CHROMIUM))
        return None if path.exists() else f"no Chromium at {path}; SKYASSAY_CHROMIUM names another"
    if mark == "postgres":
        if environment.get("SKYASSAY_TEST_POSTGRES") or postgres_programs() is not None:
            return None
        return "no PostgreSQL server programs; SKYASSAY_TEST_POSTGRES names a running server"
    return None


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest where there are several."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    beside = shutil.which("initdb")
    return there[-1].parent if there else Path(beside).parent if beside else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail what cannot run here, before any fixture of it is made."""
    for mark in ("real", "browser", "postgres"):
        if item.get_closest_marker(mark) is None:
            continue
        lack = missing(mark, os.environ)
        if lack and os.environ.get(f"SKYASSAY_REQUIRE_{mark.upper()}"):
            pytest.fail(f"This test is required and cannot run: {lack}.", pytrace=False)
        if lack:
            pytest.skip(lack)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the user's terminal and settings say; pytest's workers invent a width too."""
    for name in (
        "COLUMNS",
        "LINES",
        "NO_COLOR",
        "FORCE_COLOR",
        "SKYASSAY_STORE",
        "SKYASSAY_EVIDENCE",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real survey data; only for tests marked `real`."""
    return Path(os.environ["SKYASSAY_REAL_DATA"])


@pytest.fixture(scope="session")
def server_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; only for tests marked `postgres`."""
    return postgres_programs()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return the browser; only for tests marked `browser`."""
    return CHROMIUM


@pytest.fixture(scope="session")
def server(server_programs: Path | None) -> Iterator[str]:
    """Return the URL of a real PostgreSQL server, started once and thrown away."""
    given = os.environ.get("SKYASSAY_TEST_POSTGRES")
    if given:
        yield given.rstrip("/")
        return
    assert server_programs is not None
    # The server refuses to run as root, and its socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    who = {"user": "postgres"} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **who}
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=on"
    try:
        subprocess.run(
            [server_programs / "initdb", "-D", data, "-U", "tester", "-A", "trust"], **run
        )
        control = [server_programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        subprocess.run([*control, "-o", options, "start"], **run)
        try:
            yield f"postgresql+psycopg://tester@/{{}}?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server: str) -> str:
    """Return the URL of a new, empty database."""
    import psycopg

    name = f"t{uuid4().hex[:12]}"
    if "{}" not in server:
        base = server.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{server}/{name}"
    base = server.format("postgres").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.format(name)
