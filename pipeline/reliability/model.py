"""The probability that a detection is real: a small network of one hidden layer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.reliability.errors import ReliabilityError
from skyassay.pipeline.reliability.features import NAMES

Floats = NDArray[np.float64]
#: File beside this module.
SHIPPED = "weights.json"
#: Standardised features are bounded: no source lies far outside of what was learnt from.
BOUND = 5.0


@dataclass(frozen=True, eq=False)
class Model:
    """Weights of the network.

    Attributes
    ----------
    version : str
    names : tuple of str
        Features, in order.
    mean, scale : ndarray, shape (n,)
        Of the features in training.
    hidden, hidden_bias : ndarray, shapes (n, h) and (h,)
    out, out_bias : ndarray of shape (h,), and float
    """

    version: str
    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    out_bias: float

    def score(self, matrix: Floats) -> Floats:
        """Return the probability of being real, shape (n_sources,).

        Parameters
        ----------
        matrix : ndarray, shape (n_sources, n)
            As `features` makes it.
        """
        z = np.clip((matrix - self.mean) / self.scale, -BOUND, BOUND)
        layer = np.tanh(z @ self.hidden + self.hidden_bias)
        with np.errstate(over="ignore"):
            made: Floats = 1.0 / (1.0 + np.exp(-(layer @ self.out + self.out_bias)))
        return made

    def to_dict(self, about: dict[str, Any]) -> dict[str, Any]:
        """Return the model for a file; `about` says what it was trained and tested on."""
        return {
            "version": self.version,
            "about": about,
            "features": list(self.names),
            "mean": _rounded(self.mean),
            "scale": _rounded(self.scale),
            "hidden": _rounded(self.hidden),
            "hidden_bias": _rounded(self.hidden_bias),
            "out": _rounded(self.out),
            "out_bias": float(f"{self.out_bias:.6g}"),
        }


def _rounded(values: Floats) -> Any:
    """Return lists of six digits: more is noise of the training."""
    if values.ndim > 1:
        return [_rounded(row) for row in values]
    return [float(f"{v:.6g}") for v in values]


def from_dict(given: dict[str, Any]) -> Model:
    """Return the model that `Model.to_dict` wrote.

    Raises
    ------
    ReliabilityError
        ``bad_weights`` where something is missing, or it needs features that there are not.
    """
    try:
        names = tuple(given["features"])
        arrays = {
            k: np.array(given[k], dtype=np.float64)
            for k in ("mean", "scale", "hidden", "hidden_bias", "out")
        }
        model = Model(str(given["version"]), names, **arrays, out_bias=float(given["out_bias"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ReliabilityError(
            f"The weights of the reliability cannot be read: {error!r}.",
            code="bad_weights",
            hint="Write them with pipeline/reliability/train.py.",
        ) from error
    n, h = len(names), len(model.out)
    shapes = (model.mean.shape, model.scale.shape, model.hidden.shape, model.hidden_bias.shape)
    if names != NAMES or shapes != ((n,), (n,), (n, h), (h,)):
        raise ReliabilityError(
            "The weights of the reliability are for other features than this version computes.",
            code="bad_weights",
            hint="Train anew with pipeline/reliability/train.py.",
        )
    return model


def shipped() -> Model:
    """Return the model that comes with the package."""
    text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
    return from_dict(json.loads(text))
