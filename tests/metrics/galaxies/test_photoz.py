"""Photometric redshifts against true ones: a normal core with outliers of known shares."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.metrics.statistics.robust_width import robust_width


def catalog(number=6400, seed=1, *, sigma=0.012, bias=0.002, outliers=0.05, missing=0.03):
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(number)))
    grid = np.arange(number)
    ra, dec = (359.5 + (grid % side) / 60.0) % 360.0, (grid // side) / 60.0
    z = rng.uniform(0.2, 2.5, number)
    off = bias + sigma * rng.standard_normal(number)
    off = np.where(rng.random(number) < outliers, 0.4, off)
    found = z + (1 + z) * off
    found[rng.random(number) < missing] = np.nan
    galaxy = {"objectId": grid, "coord_ra": ra, "coord_dec": dec, "redshift": z}
    star = {"objectId": grid[:4] + 10**6, "coord_ra": ra[:4], "coord_dec": dec[:4] - 1.0}
    return {
        "object": {
            "objectId": grid[::-1], "coord_ra": ra, "coord_dec": dec, "photoz_best": found,
        },
        "truth_star": {**star, "i_mag": np.full(4, 20.0)},
        "truth_galaxy": {**galaxy, "i_mag": rng.uniform(20.0, 25.5, number)},
    }  # fmt: skip


def measured(name, tables):
    plugin = make(f"galaxies.photoz.{name}")
    return plugin.finish(plugin.fold(tables), {})[0]


def test_width_bias_and_outliers_are_found():
    tables = catalog()
    width, bias, far = (measured(n, tables) for n in ("scatter", "bias", "outliers"))
    # 5 % of outliers on one side widen the quartiles by about 5 %, and move the median.
    assert width.value == pytest.approx(0.012 * 1.055, rel=0.05)
    assert bias.value == pytest.approx(0.002 + 0.066 * 0.012, abs=0.0005)
    assert far.value == pytest.approx(5.0 + 0.2, abs=0.9)
    for m in (width, bias, far):
        assert m.interval.low < m.value < m.interval.high
        assert 0.03 * m.n == pytest.approx(m.diagnostics["n_without_photoz"], rel=0.25)
        assert m.n < 6400 * 0.97 * 0.95  # fainter than 25 does not count


def test_bins_of_redshift_are_beside_the_value():
    notes = measured("scatter", catalog()).diagnostics
    bins = {k: v for k, v in notes.items() if k.startswith("z_")}
    assert {"z_0.5_1.0", "z_1.0_1.5", "z_2.0_2.5"} <= set(bins)
    assert all(0.009 < v < 0.017 for v in bins.values())


def test_a_shared_error_widens_the_interval():
    alike = catalog()
    z = alike["object"]["photoz_best"]
    block = np.floor(alike["object"]["coord_dec"] / 0.35).astype(int)
    shift = 0.01 * np.random.default_rng(2).standard_normal(100)[block]
    other = {**alike, "object": {**alike["object"], "photoz_best": z + shift}}
    before, after = (measured("bias", t).interval for t in (alike, other))
    assert after.high - after.low > 2.0 * (before.high - before.low)


@pytest.mark.parametrize("name", ["scatter", "bias", "outliers"])
def test_what_is_not_there_is_not_measured(name):
    tables = catalog()
    tables["object"]["photoz_best"] = np.full(6400, np.nan)
    m = measured(name, tables)
    assert (m.status, m.value, m.reason) == ("NOT_MEASURED", None, "too_few_sources")
    few = measured(name, catalog(number=4))
    assert few.reason == "too_few_sources"


@pytest.mark.parametrize(("groups", "shared"), [(12, 0.0), (30, 0.2)])
def test_the_interval_of_the_width_covers(groups, shared):
    many = np.random.default_rng(0).standard_normal((2, 400_000))
    true = np.subtract(*np.quantile(many[0] * np.exp(shared * many[1]), [0.75, 0.25])) / 1.34898
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, groups])
        scale = np.exp(shared * rng.standard_normal(groups))
        values = rng.standard_normal((groups, 60)) * scale[:, None]
        _, interval = robust_width(values.ravel(), np.repeat(np.arange(groups), 60))
        covered += interval.low <= true <= interval.high
    assert 180 <= covered <= 199
