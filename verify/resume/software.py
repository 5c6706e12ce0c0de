"""What code made a state: a hash of the sources, so that changed code makes its states anew."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import skyassay.metrics
import skyassay.pipeline.products
import skyassay.verify.tables
from skyassay.metrics.contract import Metric

#: Files that decide what code does.
_KINDS = (".py", ".yaml", ".csv")


@cache
def reading_code() -> str:
    """Return the hash of what turns files into partitions, and of everything installed."""
    installed = sorted({f"{d.name} {d.version}" for d in distributions()})
    versions = [platform.python_version(), platform.machine(), *installed]
    found = [_tree(_home(m)) for m in (skyassay.pipeline.products, skyassay.verify.tables)]
    return _hash("\n".join([*versions, *found]))


def metric_code(metric: Metric) -> str:
    """Return the hash of our metrics' code and, for others, of their own packages'."""
    found = [_tree(_home(skyassay.metrics))]
    for kind in type(metric).__mro__:
        top = kind.__module__.partition(".")[0]
        file = getattr(sys.modules.get(top), "__file__", None)
        if top in ("builtins", "typing", "abc", "skyassay") or file is None:
            continue
        path = Path(file)
        found.append(_tree(path.parent if path.name == "__init__.py" else path))
    return _hash("\n".join(found))


def _home(module: object) -> Path:
    return Path(str(getattr(module, "__file__", ""))).parent


@cache
def _tree(path: Path) -> str:
    """Return the hash of a file, or of the sources below a folder."""
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.suffix in _KINDS)
    lines = [f"{f.relative_to(path)} {hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files]
    return _hash("\n".join(lines))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
