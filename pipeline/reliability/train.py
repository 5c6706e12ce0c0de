"""Training of the reliability from files: features of detections, and which of them are real.

    python -m skyassay.pipeline.reliability.train FEATURES LABELS OUT --version V --trained-on TEXT

The pipeline does not know the truth: the labels come as a file from whoever does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skyassay.pipeline.reliability.errors import ReliabilityError
from skyassay.pipeline.reliability.features import NAMES
from skyassay.pipeline.reliability.model import BOUND, Model

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: What joins features and labels.
KEY = ("sample", "diaSourceId")
#: Neurons, strength of the penalty on the weights per detection, and steps of the minimiser.
HIDDEN, PENALTY, STEPS = 16, 3e-3, 600


def train(matrix: Floats, real: Bools, *, version: str, seed: int = 0) -> Model:
    """Return the network that separates real detections from others.

    Parameters
    ----------
    matrix : ndarray, shape (n, len(NAMES))
        As `features` makes it.
    real : ndarray of bool, shape (n,)
    version : str
    seed : int
        Of the first weights.

    Raises
    ------
    ReliabilityError
        ``bad_labels`` where there are fewer than ten of a kind.

    Notes
    -----
    Both kinds weigh the same, however many there are: at a score of 0.5 a detection is as
    typical for one as for the other. Cross entropy with a penalty on the weights, minimised
    by L-BFGS: the same files give the same weights.
    """
    counts = int(real.sum()), int((~real).sum())
    if min(counts) < 10:
        raise ReliabilityError(
            f"There are {counts[0]} real and {counts[1]} other detections; ten of each are needed.",
            code="bad_labels",
            hint="Simulate more visits.",
        )
    mean, scale = matrix.mean(axis=0), np.maximum(matrix.std(axis=0), 1e-3)
    z = np.clip((matrix - mean) / scale, -BOUND, BOUND)
    weight = np.where(real, 0.5 / counts[0], 0.5 / counts[1])
    n = z.shape[1]
    rng = np.random.default_rng(seed)
    start = np.concatenate(
        [rng.normal(0.0, 0.3, n * HIDDEN), np.zeros(HIDDEN), rng.normal(0.0, 0.3, HIDDEN), [0.0]]
    )
    found = minimize(
        _loss, start, args=(z, real.astype(np.float64), weight), jac=True, method="L-BFGS-B",
        options={"maxiter": STEPS},
    )  # fmt: skip
    hidden, hidden_bias, out, out_bias = _parts(found.x, n)
    return Model(version, NAMES, mean, scale, hidden, hidden_bias, out, float(out_bias))


def _parts(q: Floats, n: int) -> tuple[Floats, Floats, Floats, float]:
    cut = n * HIDDEN
    return (
        q[:cut].reshape(n, HIDDEN),
        q[cut : cut + HIDDEN],
        q[cut + HIDDEN : cut + 2 * HIDDEN],
        float(q[-1]),
    )


def _loss(q: Floats, z: Floats, real: Floats, weight: Floats) -> tuple[float, Floats]:
    """Return the weighted cross entropy with its penalty, and the gradient."""
    hidden, hidden_bias, out, out_bias = _parts(q, z.shape[1])
    layer = np.tanh(z @ hidden + hidden_bias)
    logit = layer @ out + out_bias
    # log(1 + exp(logit)) - real * logit, without overflow.
    loss = float((weight * (np.logaddexp(0.0, logit) - real * logit)).sum())
    down = weight * (1.0 / (1.0 + np.exp(-np.clip(logit, -500.0, 500.0))) - real)
    inner = down[:, None] * out * (1.0 - layer**2)
    gradient = np.concatenate(
        [(z.T @ inner).ravel(), inner.sum(axis=0), layer.T @ down, [down.sum()]]
    )
    penalised = np.concatenate([hidden.ravel(), np.zeros(HIDDEN), out, [0.0]])
    return loss + 0.5 * PENALTY * float(penalised @ penalised), gradient + PENALTY * penalised


def area_under_curve(score: Floats, real: Bools) -> float:
    """Return the probability that a real detection scores higher than another one."""
    from scipy.stats import rankdata

    n, m = int(real.sum()), int((~real).sum())
    ranks = rankdata(score)
    return float((ranks[real].sum() - n * (n + 1) / 2.0) / (n * m))


def judged(model: Model, matrix: Floats, real: Bools) -> dict[str, float]:
    """Return how well a model separates detections that it was not trained with."""
    score = model.score(matrix)
    return {
        "n_real": int(real.sum()),
        "n_other": int((~real).sum()),
        "auc": round(area_under_curve(score, real), 5),
        "real_kept_at_0.5": round(float((score[real] >= 0.5).mean()), 5),
        "other_kept_at_0.5": round(float((score[~real] >= 0.5).mean()), 5),
    }


def joined(features: Path, labels: Path) -> tuple[Floats, Bools, Bools]:
    """Return features, which are real, and which are for the test, of the two files.

    Raises
    ------
    ReliabilityError
        ``bad_labels`` where a column or the label of a detection is missing.
    """
    import pandas as pd

    one, two = pd.read_parquet(features), pd.read_parquet(labels)
    missing = {*KEY, *NAMES} - set(one.columns) | {*KEY, "isReal", "isTest"} - set(two.columns)
    both = one.merge(two, on=list(KEY), how="inner", validate="1:1") if not missing else one
    if missing or len(both) != len(one):
        lack = f"lack {', '.join(sorted(missing))}" if missing else "are not of the same detections"
        raise ReliabilityError(
            f"The files of features and labels {lack}.",
            code="bad_labels",
            hint=f"Both have {' and '.join(KEY)}; the labels isReal and isTest.",
        )
    matrix = both[list(NAMES)].to_numpy(dtype=np.float64)
    return matrix, both["isReal"].to_numpy(dtype=bool), both["isTest"].to_numpy(dtype=bool)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train on the detections that are not for the test, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("features", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--trained-on", required=True, help="what the detections are of")
    given = parser.parse_args(arguments)
    matrix, real, test = joined(given.features, given.labels)
    model = train(matrix[~test], real[~test], version=given.version)
    about = {
        "trained_on": given.trained_on,
        "training": judged(model, matrix[~test], real[~test]),
        "test": judged(model, matrix[test], real[test]),
    }
    given.out.write_text(json.dumps(model.to_dict(about), indent=1) + "\n", encoding="utf-8")
    return about


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(), indent=1) + "\n")
