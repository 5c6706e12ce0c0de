"""A load test of alerts: full-size packets to consumers, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyassay.pipeline.distribution.load import Visit

TABLE = "alert_load"


@dataclass(frozen=True)
class Load:
    """What a load test gave.

    Attributes
    ----------
    table : Path
        The product `alert_load`.
    visits : tuple of Visit
        The same, with where the seconds went.
    machine : str
        Cores, memory and software; no name of a host.
    to : str
        ``kafka`` or ``files``.
    """

    table: Path
    visits: tuple[Visit, ...]
    machine: str
    to: str


def load_test(
    folder: Path, alerts: Sequence[int], *, to: str = "kafka", consumers: int = 5, users: int = 100
) -> Load:
    """Send visits of full-size alerts to consumers and write what each got.

    Parameters
    ----------
    folder : Path
        New or empty; gets the table, and below ``sent`` log, archive and consumers' stores:
        some 90 kB an alert, over files more.
    alerts : sequence of int
        Alerts of each visit, one visit after the other.
    to : str
        ``kafka`` (librdkafka's mock broker and consumers in processes) or ``files``.
    consumers, users : int
        Full streams with a consumer each; users' filters.

    Raises
    ------
    DistributionError
        As `skyassay.pipeline.distribution.load.run_load`.
    """
    from skyassay.pipeline.distribution.load import load_table, machine, run_load
    from skyassay.pipeline.products.io import write_table

    visits = run_load(folder / "sent", alerts, to=to, n_consumers=consumers, n_users=users)
    table = load_table(visits)
    columns = {name: table[name].data for name in table.colnames}
    path = write_table(folder / f"{TABLE}.parquet", TABLE, columns)
    return Load(path, tuple(visits), machine(), to)
