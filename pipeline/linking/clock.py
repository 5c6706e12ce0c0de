"""When daytime linking is done, by a modelled clock."""

from __future__ import annotations

from dataclasses import dataclass

from skyassay.pipeline.linking.errors import LinkingError


@dataclass(frozen=True)
class DaytimeClock:
    """A model of the daytime processing.

    Attributes
    ----------
    start : float
        From the end of the night's last exposure to the start of the linking, h: the prompt
        products of that visit, and the day's queue.
    slower : float
        Factor on recorded seconds: a machine of that many times less speed.
    release : float
        From the orbits to the public records, h.
    """

    start: float = 2.0
    slower: float = 1.0
    release: float = 1.0

    def released(self, night_end_mjd: float, seconds: float) -> float:
        """Return when (MJD) records of work of so many seconds are public.

        Raises
        ------
        LinkingError
            ``bad_clock`` for seconds that are negative or not finite.
        """
        if not 0.0 <= seconds < float("inf"):
            raise LinkingError(
                f"Linking cannot have taken {seconds} seconds.",
                code="bad_clock",
                hint="Give the recorded time of the work.",
            )
        hours = self.start + seconds * self.slower / 3600.0 + self.release
        return night_end_mjd + hours / 24.0
