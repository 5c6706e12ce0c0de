"""Beyond the bound the value is that of all stars, the interval that of the sample."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.family import PRODUCT
from skyassay.metrics.registry import make
from skyassay.metrics.states.star_sample import StarSample, merge, sorted_band

STARS, VISITS, BOUND = 4_000, 6, 900


def magnitudes(shared: float) -> np.ndarray:
    """Own errors from 2 to 6 mmag, and one that each visit shares, mmag."""
    rng = np.random.default_rng(11)
    own = rng.normal(0.0, 1e-3, (STARS, VISITS)) * rng.uniform(2.0, 6.0, (STARS, 1))
    mag = rng.uniform(17.0, 19.0, (STARS, 1)) + own + rng.normal(0.0, 1e-3, VISITS) * shared
    mag[rng.random(mag.shape) < 0.1] = np.nan
    return mag


@pytest.fixture(scope="module")
def catalog(stars):
    return stars(magnitudes(3.0))


def bounded(state: StarSample) -> StarSample:
    return StarSample({n: sorted_band(b, BOUND) for n, b in state.bands.items()}, BOUND)


@pytest.fixture(scope="module")
def states(catalog):
    """Return the state of everything, and the same with a small bound."""
    whole = make("photometry.repeatability.pa1").fold({PRODUCT: catalog})
    return whole, bounded(whole)


def one(name: str, state: StarSample):
    (found,) = make(f"photometry.repeatability.{name}").finish(state, {})
    return found


@pytest.mark.parametrize(("name", "close"), [("pa1", 6e-2), ("pf1", 2e-3), ("pa2", 2e-3)])
def test_the_value_is_that_of_all_stars(states, name, close) -> None:
    whole, sample = (one(name, state) for state in states)
    assert not whole.diagnostics["sampled"]
    assert "value_of" not in whole.diagnostics
    assert sample.diagnostics["sampled"]
    assert sample.diagnostics["value_of"] == "all stars"
    assert sample.diagnostics["n_stars_of_interval"] < STARS / 4
    assert sample.n == whole.n
    assert sample.value == pytest.approx(whole.value, rel=close)
    assert sample.interval.low <= sample.value <= sample.interval.high
    assert sample.interval.lower <= sample.value <= sample.interval.upper


@pytest.mark.parametrize(("shared", "gain"), [(0.0, 0.5), (3.0, 0.95)])
def test_all_stars_tell_more_than_the_sample(stars, shared, gain) -> None:
    """Over draws of the sample the value of all stars wanders less, and is not biased."""
    rng = np.random.default_rng(3)
    off: dict[str, list[float]] = {"all": [], "sample": []}
    catalog = stars(magnitudes(shared))
    truth = one("pa1", make("photometry.repeatability.pa1").fold({PRODUCT: catalog})).value
    for _ in range(16):
        names = rng.permutation(10**6)[: STARS + 1]
        state = make("photometry.repeatability.pa1").fold(
            {PRODUCT: {**catalog, "objectId": names[catalog["objectId"]]}}
        )
        small = bounded(state)
        rows = small.bands["i"]
        alone = StarSample({"i": sorted_band(type(rows)(*row_columns(rows)), 10**6)})
        off["all"].append(one("pa1", small).value / truth - 1.0)
        off["sample"].append(one("pa1", alone).value / truth - 1.0)
    assert np.std(off["all"]) < gain * np.std(off["sample"])
    assert abs(np.mean(off["all"])) < 3.0 * np.std(off["all"]) / 4.0


def row_columns(band):
    return band.star, band.visit, band.mag, band.ra, band.dec, len(np.unique(band.star))


def test_partitions_and_their_order_do_not_matter(catalog, taken) -> None:
    metric = make("photometry.repeatability.pa1")
    rng = np.random.default_rng(5)
    digests = set()
    for count in (1, 2, 9):
        part = rng.integers(0, count, STARS + 1)[catalog["objectId"]]
        folded = [
            bounded(metric.fold({PRODUCT: taken(catalog, np.flatnonzero(part == k))}))
            for k in rng.permutation(count)
        ]
        digests.add(state_digest(functools.reduce(merge, folded)))
    assert len(digests) == 1


def test_the_counts_are_in_the_bytes(states) -> None:
    _, state = states
    band = state.bands["i"]
    moved = band.counts.scatter.number.copy()
    filled = np.flatnonzero(moved)[0]
    moved[filled] -= 1
    moved[filled + 1] += 1
    counts = type(band.counts)(type(band.counts.scatter)(moved), band.counts.deviation)
    other = StarSample({"i": type(band)(**{**vars(band), "counts": counts})}, BOUND)
    assert state_digest(other) != state_digest(state)


def test_what_was_derived_does_not_travel(states) -> None:
    import pickle

    state, _ = states
    one("pa1", state)
    again = pickle.loads(pickle.dumps(state))  # noqa: S301 - our own bytes
    assert len(pickle.dumps(state)) < 2 * len(state.to_bytes())
    assert again == again.__class__(again.bands, again.row_bound)
