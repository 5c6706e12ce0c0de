"""The `assay` command: finds its commands, runs one, turns errors into one sentence."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import typer

from skyassay.verify.errors import VerifyError

#: Our own commands, in the order of the help page. Others (the dashboard, plugins)
#: come by entry point, so that this package need not import theirs.
COMMANDS: tuple[str, ...] = (
    "demo",
    "simulate",
    "process",
    "measure",
    "verify",
    "gate",
    "report",
    "requirements",
    "metrics",
    "campaign",
    "plan",
)
ENTRY_POINT_GROUP = "skyassay.commands"
#: Sums of several threads depend on how many there are; one gives the same digits everywhere.
#: Whoever sets these means it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def build_app() -> typer.Typer:
    """Return the Typer application with every command registered."""
    app = typer.Typer(
        name="assay",
        help="Do the data of a sky survey meet what was promised, and how do you know?",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in COMMANDS:
        import_module(f"skyassay.verify.commands.{name}").register(app)
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
        _add_plugin(app, entry)
    return app


def _add_plugin(app: typer.Typer, entry: EntryPoint) -> None:
    """Register the command of another package.

    Raises
    ------
    VerifyError
        ``broken_plugin`` (exit code 4), with its name.
    """
    try:
        entry.load()(app)
    except Exception as error:
        raise VerifyError(
            f"The command plugin {entry.name} ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}.",
            code="broken_plugin",
            hint="Update or uninstall the package that offers it.",
            exit_code=4,
        ) from error


def _root() -> None:
    """Do the data of a sky survey meet what was promised, and how do you know."""


def main(argv: list[str] | None = None) -> None:
    """Run `assay`; errors with a code become one sentence, a hint and an exit code."""
    try:
        result = build_app()(args=argv, standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the one boundary where errors become exit codes
        sys.exit(_report(error))
    sys.exit(result if isinstance(result, int) else 0)


def _report(error: Exception) -> int:
    """Print an error the way a user can read it; return its exit code."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        sys.stderr.write("assay: stopped.\n")
        return 130
    # Newer typer brings its own copy of click, older ones use the real one: what a usage
    # error of both can do is show itself.
    show = getattr(error, "show", None)
    if callable(show):
        show()
        return 4
    code = getattr(error, "code", None)
    if isinstance(code, str):
        sys.stderr.write(f"assay: {error} [{code}]\n")
        hint = getattr(error, "hint", "")
        if hint:
            sys.stderr.write(f"hint: {hint}\n")
        exit_code = getattr(error, "exit_code", 3)
        return exit_code if isinstance(exit_code, int) else 3
    raise error


if __name__ == "__main__":
    main()
