"""`assay dashboard`: serve the pages."""

from __future__ import annotations

from typing import Annotated

import typer

from skyassay.verify.errors import VerifyError


def register(app: typer.Typer) -> None:
    """Add the command to `assay`."""
    app.command("dashboard")(dashboard)


def dashboard(
    store: Annotated[
        str | None, typer.Option(help="Evidence store: a URL or a SQLite file.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Further HOST:PORT under which browsers reach it, e.g. a proxy."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve the overview and a page for every requirement."""
    from skyassay.requirements_map import load
    from skyassay.verify.store import DEFAULT_URL, open_store

    try:
        import panel as _panel  # noqa: F401

        from skyassay.dashboards.app import make_server
        from skyassay.dashboards.collect import Source
    except ImportError as error:
        raise VerifyError(
            "The dashboard needs Panel, which is not installed.",
            code="dashboard_not_installed",
            hint="pip install 'skyassay[dashboard]'",
            exit_code=4,
        ) from error
    with open_store(store or DEFAULT_URL) as opened:
        try:
            server = make_server(
                Source(opened, load()),
                port=port,
                address=address,
                origins=tuple(allow_origin or ()),
                show=browser,
            )
        except OSError as error:
            raise VerifyError(
                f"Port {port} at {address} cannot be used.",
                code="port_in_use",
                hint="Choose another with --port; --port 0 takes a free one.",
                exit_code=4,
            ) from error
        typer.echo(f"Serving http://{address}:{server.port}/overview  (Ctrl-C ends it)")
        server.run_until_shutdown()
