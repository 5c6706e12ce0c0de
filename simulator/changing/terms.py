"""How much changes on the sky."""

from __future__ import annotations

from dataclasses import dataclass, replace

from skyassay.simulator.changing.fast import FastTransients
from skyassay.simulator.changing.injected import Injections
from skyassay.simulator.changing.moving import Movers
from skyassay.simulator.changing.nuclei import ActiveNuclei
from skyassay.simulator.changing.supernovae import Supernovae
from skyassay.simulator.changing.variable_stars import VariableStars


@dataclass(frozen=True)
class ChangingSky:
    """Parameters of all that changes, and of what is injected.

    With the default rates about 1,000 changes per square degree have a signal to noise above 5
    in a visit in r: 10,000 in a field of 9.6 square degrees.
    """

    supernovae: Supernovae = Supernovae()  # noqa: RUF009 - frozen
    fast: FastTransients = FastTransients()  # noqa: RUF009 - frozen
    stars: VariableStars = VariableStars()  # noqa: RUF009 - frozen
    nuclei: ActiveNuclei = ActiveNuclei()  # noqa: RUF009 - frozen
    movers: Movers = Movers()  # noqa: RUF009 - frozen
    injections: Injections = Injections()  # noqa: RUF009 - frozen

    def scaled(self, factor: float) -> ChangingSky:
        """Return a sky on which as many times more changes; shares stay below one half."""
        return replace(
            self,
            supernovae=replace(self.supernovae, rate=factor * self.supernovae.rate),
            fast=replace(self.fast, rate=factor * self.fast.rate),
            stars=replace(self.stars, share=min(factor * self.stars.share, 0.5)),
            nuclei=replace(self.nuclei, share=min(factor * self.nuclei.share, 0.5)),
            movers=replace(self.movers, density=factor * self.movers.density),
        )
