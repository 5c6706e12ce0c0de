"""`assay dashboard` without a browser: it answers, ends, and says what is wrong."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request

ASSAY = (sys.executable, "-u", "-m", "skyassay.verify.cli")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ASSAY, "dashboard", *arguments], capture_output=True, text=True, timeout=120
    )


def test_it_serves_and_ends_quietly(store_url) -> None:
    process = subprocess.Popen(
        [*ASSAY, "dashboard", "--store", store_url, "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        base = re.search(r"http://127\.0\.0\.1:\d+", line).group()
        for path in ("/", "/overview", "/requirement?id=LPM-17.PA1"):
            with urllib.request.urlopen(base + path, timeout=30) as answer:  # noqa: S310
                page = answer.read().decode()
                assert answer.status == 200
            assert "googleapis" not in page
            assert "cdn." not in page
            assert "unpkg" not in page
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(timeout=15)
    assert process.returncode == 0
    assert "Traceback" not in said


def test_a_store_that_is_not_there(tmp_path) -> None:
    done = run("--store", str(tmp_path / "none.sqlite"), "--no-browser")
    assert done.returncode == 3
    assert "no_store" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(store_url) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("--store", store_url, "--port", port, "--no-browser")
    assert done.returncode == 4
    assert "port_in_use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage() -> None:
    assert run("--port", "99999999").returncode == 4


def test_help_does_not_import_panel() -> None:
    code = (
        "import sys; from skyassay.verify.cli import build_app; build_app();"
        "bad = {'panel', 'bokeh'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
