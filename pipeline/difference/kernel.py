"""The matching kernel of a detector: how one image becomes like the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.difference.basis import Basis
from skyassay.pipeline.psf.model import terms

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel that varies over the detector, and a differential background.

    Attributes
    ----------
    basis : Basis
    coefficients : ndarray, shape (n_terms, n_basis)
        Polynomials over the detector (see `psf.model.terms`) of the basis functions.
    background : ndarray, shape (n_background_terms,)
        Polynomial of target minus convolved image, electrons.
    shape : tuple of int
        Rows and columns of the detector.
    convolved : str
        ``template`` or ``science``: the image that the kernel is applied to.
    """

    basis: Basis
    coefficients: Floats
    background: Floats
    shape: tuple[int, int]
    convolved: Literal["template", "science"]

    @property
    def order(self) -> int:
        """Order of the polynomials over the detector."""
        return _order(len(self.coefficients))

    @cached_property
    def planes(self) -> Floats:
        """Kernels that the polynomial terms multiply, shape (n_terms, side, side)."""
        return np.tensordot(self.coefficients, self.basis.images, axes=1)

    def at(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Return the kernels at positions, shape (n, 2 half + 1, 2 half + 1)."""
        return np.tensordot(_terms(x, y, self.shape, self.order), self.planes, axes=1)

    def sum_at(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Return the flux scale at positions, shape (n,)."""
        made: Floats = _terms(x, y, self.shape, self.order) @ self.coefficients[:, 0]
        return made

    def background_image(self) -> NDArray[np.float32]:
        """Return the differential background of every pixel, electrons."""
        order = _order(len(self.background))
        ny, nx = self.shape
        u = _scaled(np.arange(nx, dtype=np.float64), nx)
        v = _scaled(np.arange(ny, dtype=np.float64), ny)
        exponents = [(i, k - i) for k in range(order + 1) for i in range(k + 1)]
        rows = np.zeros((order + 1, ny))
        for value, (i, j) in zip(self.background, exponents, strict=True):
            rows[i] += value * v**j
        columns = np.stack([u**i for i in range(order + 1)])
        return np.asarray(rows.T.astype(np.float32) @ columns.astype(np.float32))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, for a file."""
        return {
            "widths": [float(w) for w in self.basis.widths],
            "degrees": [int(d) for d in self.basis.degrees],
            "half": int(self.basis.half),
            "coefficients": self.coefficients.tolist(),
            "background": self.background.tolist(),
            "shape": [int(n) for n in self.shape],
            "convolved": self.convolved,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Kernel:
        """Return the kernel that `to_dict` wrote."""
        basis = Basis(
            tuple(float(w) for w in found["widths"]),
            tuple(int(d) for d in found["degrees"]),
            int(found["half"]),
        )
        rows, columns = (int(n) for n in found["shape"])
        return cls(
            basis,
            np.array(found["coefficients"], dtype=np.float64),
            np.array(found["background"], dtype=np.float64),
            (rows, columns),
            "science" if found["convolved"] == "science" else "template",
        )


def _order(n_terms: int) -> int:
    """Return the order of a polynomial of two coordinates with so many terms."""
    return int((np.sqrt(8 * n_terms + 1) - 3) / 2 + 0.5)


def _scaled(at: Floats, n: int) -> Floats:
    return (2.0 * at - (n - 1)) / max(n - 1, 1)


def _terms(x: ArrayLike, y: ArrayLike, shape: tuple[int, int], order: int) -> Floats:
    places = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
    return terms(*places, shape, order)
