"""Samplers of the metrics of matched stars: equal stars in three clusters."""

from __future__ import annotations

from collections.abc import Mapping

from skyassay.simulator.quantities import QUANTITIES, Quantity
from skyassay.simulator.sample import campaign_tables
from skyassay.simulator.samples.model import Draw, Sampler, Table

#: Equal stars per sample; pairs of stars grow with the square.
STARS, STARS_IN_PAIRS = 120, 90
REFERENCE = "r"
_COMPARED = ("offset", "separation_offset")


def _sampler(quantity: Quantity) -> Sampler:
    compared = quantity.kind in _COMPARED
    stars = STARS if quantity.kind == "photometry" else STARS_IN_PAIRS

    def draw(asked: Draw) -> Mapping[str, Table]:
        bands = (*asked.targets, REFERENCE) if compared else tuple(asked.targets)
        table = campaign_tables(
            quantity.metric,
            asked.target if compared else asked.targets,
            asked.share,
            asked.size,
            stars,
            asked.seed * 10 + "ugrizy".find(bands[0]),
            bands=bands,
            at=asked.at,
        )
        return {"matched_source": table}

    return Sampler(
        quantity.metric,
        draw,
        # Half shared is shown: 30 visits tell 5 % of outliers from 10 % in 70 % of samples at
        # best, the power of the chi-square test with 29 degrees of freedom.
        power_shares=(0.0, 0.25, 0.5),
        # Bands that share their reference would not be independent trials. They differ in
        # nothing but their name, so two stand for the five.
        apart=2 if compared else 0,
    )


SAMPLERS: tuple[Sampler, ...] = tuple(_sampler(quantity) for quantity in QUANTITIES)
