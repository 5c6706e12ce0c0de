"""Nothing read from outside is executed, and nothing small grows without end."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from skyassay.requirements_map import load
from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.reading import read_yaml
from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.load import load_runs

ROOT = Path(__file__).parent.parent
PACKAGES = ("dashboards", "metrics", "pipeline", "requirements_map", "simulator", "verify")
#: Modules that execute what they read, and calls that do.
MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__"}
SAFE_LOADERS = {"CSafeLoader", "SafeLoader", "_BASE_LOADER"}


def sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *(f"{p}/**.py" for p in PACKAGES)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def faults(path: Path) -> list[str]:
    """Return what a file does that could execute what it reads."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            found += [f"{line}: imports {n}" for n in names if n.split(".")[0] in MODULES]
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        owner = getattr(getattr(called, "value", None), "id", "")
        if isinstance(called, ast.Name) and name in CALLS:
            found.append(f"{line}: {name}()")
        given = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if given.get("allow_pickle") == "True" or given.get("shell") == "True":
            found.append(f"{line}: {ast.unparse(node)[:60]}")
        if name == "read_pickle" or (owner == "os" and name in ("system", "popen")):
            found.append(f"{line}: {owner}.{name}()")
        if owner == "yaml" and name in ("load", "parse", "load_all", "unsafe_load", "full_load"):
            loader = given.get("Loader", "none").split(".")[-1]
            if loader not in SAFE_LOADERS:
                found.append(f"{line}: yaml.{name} with the loader {loader}")
    return found


def test_nothing_of_ours_executes_what_it_reads() -> None:
    files = sources()
    assert len(files) > 150
    assert {str(p.relative_to(ROOT)): f for p in files if (f := faults(p))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from joblib import load", "eval(text)", "np.load(p, allow_pickle=True)",
        "yaml.load(t)", "yaml.load(t, Loader=yaml.Loader)", "os.system(c)", "pd.read_pickle(p)",
        "subprocess.run(c, shell=True)",
    ],
)  # fmt: skip
def test_the_test_sees_what_it_looks_for(tmp_path, line) -> None:
    path = tmp_path / "bad.py"
    path.write_text(line)
    assert faults(path)


BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "depth": "[" * 5000 + "]" * 5000,
    "size": "# " + "x" * 16_000_001,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_yaml_bombs_are_refused(kind) -> None:
    with pytest.raises(RequirementsError) as error:
        read_yaml(BOMBS[kind], "plugin.yaml")
    assert error.value.code == "yaml_bomb"


def test_a_deep_json_is_one_error(tmp_path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000 + "]" * 200_000)
    with pytest.raises(VerifyError):
        load_runs([str(path)], load())
    with pytest.raises(RecursionError):  # what it would be
        json.loads(path.read_text())
