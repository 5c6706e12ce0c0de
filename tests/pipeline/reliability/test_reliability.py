"""The reliability: features, weights, training."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from skyassay.pipeline.reliability.errors import ReliabilityError
from skyassay.pipeline.reliability.features import NAMES
from skyassay.pipeline.reliability.model import Model, from_dict, shipped
from skyassay.pipeline.reliability.train import area_under_curve, judged, main, train


@pytest.fixture(scope="module")
def kinds():
    """Two clouds of features that part in three of them, one not linearly."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(1200, len(NAMES)))
    real = rng.random(1200) < 0.3
    matrix[real, 3] += 1.5
    matrix[real, 7] -= 1.5
    matrix[~real, 12] *= 3.0
    return matrix, real


def test_training_separates_what_it_has_not_seen(kinds):
    matrix, real = kinds
    model = train(matrix[:800], real[:800], version="t")
    found = judged(model, matrix[800:], real[800:])
    assert found["auc"] > 0.85
    assert found["real_kept_at_0.5"] > 0.7
    assert found["other_kept_at_0.5"] < 0.3
    score = model.score(matrix)
    assert ((score >= 0.0) & (score <= 1.0)).all()


def test_labels_at_random_teach_nothing(kinds):
    matrix, _ = kinds
    rng = np.random.default_rng(2)
    label = rng.random(len(matrix)) < 0.5
    model = train(matrix[:800], label[:800], version="t")
    assert judged(model, matrix[800:], label[800:])["auc"] == pytest.approx(0.5, abs=0.1)


def test_same_data_same_weights(kinds):
    one, two = (train(*kinds, version="t") for _ in range(2))
    assert one.to_dict({}) == two.to_dict({})


def test_gradient_is_that_of_the_loss(kinds):
    from scipy.optimize import check_grad

    from skyassay.pipeline.reliability import train as module

    z, real = kinds[0][:60], kinds[1][:60].astype(float)
    weight = np.full(60, 1.0 / 60.0)
    start = np.random.default_rng(3).normal(0.0, 0.3, len(NAMES) * 16 + 33)
    error = check_grad(
        lambda q: module._loss(q, z, real, weight)[0],
        lambda q: module._loss(q, z, real, weight)[1],
        start,
    )
    assert error < 1e-5


def test_one_kind_alone_cannot_be_learnt(kinds):
    with pytest.raises(ReliabilityError) as caught:
        train(kinds[0], np.ones(len(kinds[0]), dtype=bool), version="t")
    assert caught.value.code == "bad_labels"


def test_area_under_curve():
    assert area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1], bool)) == 0.75
    assert area_under_curve(np.full(4, 0.3), np.array([0, 0, 1, 1], bool)) == 0.5


def test_files_to_weights_and_back(kinds, tmp_path):
    matrix, real = kinds
    key = {"sample": "a", "diaSourceId": np.arange(len(real))}
    pd.DataFrame(matrix, columns=NAMES).assign(**key).to_parquet(tmp_path / "features.parquet")
    labels = pd.DataFrame({**key, "isReal": real, "isTest": np.arange(len(real)) % 3 == 0})
    labels.sample(frac=1.0, random_state=1).to_parquet(tmp_path / "labels.parquet")
    out = tmp_path / "weights.json"
    arguments = [str(tmp_path / f"{n}.parquet") for n in ("features", "labels")]
    about = main([*arguments, str(out), "--version", "9", "--trained-on", "two clouds"])
    written = json.loads(out.read_text())
    assert written["about"] == about
    assert about["trained_on"] == "two clouds"
    assert about["test"]["n_real"] + about["test"]["n_other"] == 400
    model = from_dict(written)
    assert model.version == "9"
    assert judged(model, matrix, real)["auc"] > 0.9
    labels.iloc[1:].to_parquet(tmp_path / "labels.parquet")
    with pytest.raises(ReliabilityError) as caught:
        main([*arguments, str(out), "--version", "9", "--trained-on", "two clouds"])
    assert caught.value.code == "bad_labels"


def test_shipped_weights_say_what_they_were_made_of():
    from importlib import resources

    from skyassay.pipeline import reliability

    text = resources.files(reliability).joinpath("weights.json").read_text()
    about = json.loads(text)["about"]
    assert about["test"]["auc"] > 0.9
    assert min(about["test"]["n_real"], about["test"]["n_other"]) >= 50
    assert "9001" in about["trained_on"]
    assert shipped().version


@pytest.mark.parametrize("change", ["features", "mean", "out"])
def test_weights_that_do_not_fit_are_refused(change):
    given = _as_dict(shipped())
    given[change] = given[change][1:]
    with pytest.raises(ReliabilityError) as caught:
        from_dict(given)
    assert caught.value.code == "bad_weights"


def test_weights_that_lack_something_are_refused():
    with pytest.raises(ReliabilityError) as caught:
        from_dict({"version": "1"})
    assert caught.value.code == "bad_weights"


def _as_dict(model: Model):
    return model.to_dict({})
