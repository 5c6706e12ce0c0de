"""A real PostgreSQL server for the tests of the store, started once and thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def server(server_programs: Path | None) -> Iterator[str]:
    """Return the URL of a server, without a database."""
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
