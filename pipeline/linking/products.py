"""All products of days of linking."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.linking.daily import Daily
from skyassay.pipeline.linking.ss_object import ss_object
from skyassay.pipeline.linking.tables import linked_source, orbits


def products(found: Daily, *, first_id: int = 1) -> dict[str, dict[str, NDArray[Any]]]:
    """Return product -> columns: `linked_source`, `mpc_orbits` and `ss_object`.

    The link with the number n is the object n in all three, counted from `first_id`: take it
    above the ids of known objects. They are as `pipeline.products.io.write_table` wants them.
    """
    made = {
        "linked_source": linked_source(found, first_id=first_id),
        "mpc_orbits": orbits(found, first_id=first_id),
        "ss_object": ss_object(found, first_id=first_id),
    }
    return {
        name: {column: np.asarray(table[column]) for column in table.colnames}
        for name, table in made.items()
    }
