"""A state of two samples: the stars and the galaxies of one product."""

from __future__ import annotations

from dataclasses import dataclass, field

from skyassay.metrics.states import star_sample
from skyassay.metrics.states.star_sample import StarSample


@dataclass(frozen=True)
class Pair:
    """Selected stars and selected galaxies of every band."""

    stars: StarSample = field(default_factory=StarSample)
    galaxies: StarSample = field(default_factory=StarSample)

    @property
    def samples(self) -> tuple[StarSample, StarSample]:
        """Return both samples."""
        return self.stars, self.galaxies

    @property
    def named(self) -> tuple[tuple[StarSample, str], tuple[StarSample, str]]:
        """Return both samples with what they are."""
        return (self.stars, "stars"), (self.galaxies, "galaxies")

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return b"stars\0" + self.stars.to_bytes() + b"\0galaxies\0" + self.galaxies.to_bytes()


def merge(a: Pair, b: Pair) -> Pair:
    """Return the sources of both parts."""
    return Pair(star_sample.merge(a.stars, b.stars), star_sample.merge(a.galaxies, b.galaxies))
