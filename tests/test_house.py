"""The house itself: what is shipped, how files are kept, what no file may hold."""

from __future__ import annotations

import ast
import re
import resource
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("dashboards", "metrics", "pipeline", "requirements_map", "simulator", "verify")
MAX_LINES = 400
SAFE_LOADERS = {"CSafeLoader", "SafeLoader", "yaml.CSafeLoader", "yaml.SafeLoader"}


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the project: those git knows or would add."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no git clone")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    found = sorted({ROOT / name for name in out.decode().split("\0") if name})
    return [path for path in found if path.is_file()]


def sources() -> list[Path]:
    return tracked(*(f"{name}/**.py" for name in PACKAGES))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the names in the wheel, built from a copy of the tracked files."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for path in tracked():
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    command = [sys.executable, "-m", "build", "--wheel", "--installer", "uv"]
    if shutil.which("uv", path=str(Path(sys.executable).parent)) is None:
        command = command[:-2]
    done = subprocess.run(
        [*command, "--outdir", str(out), str(tree)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_skyassay_is_the_only_name_the_wheel_takes(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"skyassay"}
    assert "skyassay/__init__.py" not in wheel


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    ours = {f"skyassay/{p.relative_to(ROOT)}" for p in tracked(*(f"{n}/**" for n in PACKAGES))}
    assert ours <= set(wheel), sorted(ours - set(wheel))
    kinds = {Path(name).suffix for name in ours}
    assert {".py", ".yaml", ".json", ".css", ".html", ".j2", ".mako"} <= kinds


def test_the_wheel_says_that_it_is_typed(wheel):
    assert {f"skyassay/{name}/py.typed" for name in PACKAGES} <= set(wheel)


def test_every_package_is_listed():
    folders = {p.parent.relative_to(ROOT) for p in tracked("*/__init__.py", "**/__init__.py")}
    found = {"skyassay." + ".".join(f.parts) for f in folders if f.parts[0] in PACKAGES}
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])
    assert {f.parts[0] for f in folders} == set(PACKAGES)


def test_every_folder_of_code_is_a_package():
    assert {p.parent for p in sources()} == {p.parent for p in sources() if p.name == "__init__.py"}


def test_the_import_rules_cover_every_package():
    roots = {f"skyassay.{name}" for name in PACKAGES}
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == roots
    assert set(PROJECT["tool"]["setuptools"]["package-dir"]) == roots
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    assert {name for c in contracts for name in c["source_modules"]} == roots


def test_no_file_is_too_long():
    lines = {p: len(p.read_text("utf-8").splitlines()) for p in tracked("*.py", "**/*.py")}
    assert {str(p.relative_to(ROOT)): n for p, n in lines.items() if n > MAX_LINES} == {}


def dangers(tree: ast.AST) -> set[str]:
    """Return what the code does that can run what it reads."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None)
            names = {module or ""} if module else {a.name for a in node.names}
            barred = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
            found |= {name for name in names if name.split(".")[0] in barred}
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in {"eval", "exec", "os.system", "yaml.load", "yaml.unsafe_load", "read_pickle"}:
            loader = {ast.unparse(k.value) for k in node.keywords if k.arg == "Loader"}
            if not (name == "yaml.load" and loader and loader <= SAFE_LOADERS):
                found.add(name)
        if name.endswith(".read_pickle"):
            found.add(name)
        for k in node.keywords:
            if k.arg in {"shell", "allow_pickle"} and ast.unparse(k.value) != "False":
                found.add(f"{k.arg}={ast.unparse(k.value)}")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "exec(text)",
        "yaml.load(text)",
        "yaml.load(text, Loader=Loader)",
        "subprocess.run('ls', shell=True)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
    ],
)
def test_dangers_are_seen(code):
    assert dangers(ast.parse(code))


def test_nothing_that_is_read_can_run():
    found = {p: dangers(ast.parse(p.read_text("utf-8"))) for p in sources()}
    assert {str(p.relative_to(ROOT)): d for p, d in found.items() if d} == {}


def test_no_file_names_a_machine_or_an_index():
    # Built from pieces, or this file would name them itself.
    folders = "|".join(("work", "home", "Users", "opt", "root"))
    machine = re.compile(rf"(?<![\w.:/-])/(?:{folders})/[\w.-]+")
    index = re.compile(r"(?:index|find-links)[-_ =]*(?:url)?\s*[= ]\s*(?:https?|file):|/simple\b/")
    found = {}
    for path in tracked():
        if path.name == "LICENSE" or path.suffix in {".png", ".parquet", ".gz", ".fits"}:
            continue
        text = path.read_text("utf-8")
        hits = [m.group() for rule in (machine, index) for m in rule.finditer(text)]
        if hits:
            found[str(path.relative_to(ROOT))] = hits[:3]
    assert found == {}


def test_tests_mirror_the_packages():
    other = {"corpus", "matrix", "plugin_package", "plugins"}
    folders = {p.parent.relative_to(ROOT / "tests") for p in tracked("tests/**.py")}
    lost = [
        str(folder)
        for folder in folders
        if folder.parts and folder.parts[0] not in other and not (ROOT / folder).is_dir()
    ]
    assert lost == []
    names = [p.name for p in tracked("tests/**.py") if p.name.startswith("test_")]
    assert sorted(names) == sorted(set(names)), "two test files share a name"


def test_help_is_quick_and_light():
    """The command answers before the heavy parts could have been imported."""
    code = (
        "import sys, contextlib, io\n"
        "from skyassay.verify.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    try: main(['--help'])\n"
        "    except SystemExit as end: assert not end.code\n"
        "assert 'measure' in out.getvalue()\n"
        "heavy = {'great_expectations', 'panel', 'bokeh', 'scipy', 'felis', 'astropy', 'pandas',\n"
        "         'sqlalchemy', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    def seconds() -> float:
        """Return processor time: the wall clock measures who else uses the machine."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 1.5
