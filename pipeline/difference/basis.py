"""Gaussians times polynomials: the basis of the matching kernel (Alard & Lupton 1998)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial.hermite_e import hermevander
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """Products of Gauss-Hermite functions of x and y.

    The first function is a Gaussian of unit sum; from each other one as much of the first is
    taken away as makes its sum zero. So the first coefficient is the flux scale.

    Attributes
    ----------
    widths : tuple of float
        Standard deviations of the Gaussians, pixel.
    degrees : tuple of int
        Highest degree i + j on each.
    half : int
        A function has 2 half + 1 pixels a side.
    """

    widths: tuple[float, ...]
    degrees: tuple[int, ...]
    half: int

    @cached_property
    def lines(self) -> list[Floats]:
        """Functions of one coordinate for each Gaussian, shape (degree + 1, 2 half + 1)."""
        at = np.arange(-self.half, self.half + 1, dtype=np.float64)
        made = []
        for width, degree in zip(self.widths, self.degrees, strict=True):
            u = at / width
            rows = hermevander(u, degree).T * np.exp(-0.5 * u * u)
            made.append(rows / np.abs(rows).sum(axis=1, keepdims=True))
        return made

    @cached_property
    def pairs(self) -> list[tuple[int, int, int]]:
        """Gaussian, degree in y and degree in x of every function, in their order."""
        return [
            (g, n - i, i)
            for g, degree in enumerate(self.degrees)
            for n in range(degree + 1)
            for i in range(n + 1)
        ]

    @cached_property
    def sums(self) -> Floats:
        """Sums of the products before the first one is taken away, shape (n,)."""
        totals = [line.sum(axis=1) for line in self.lines]
        return np.array([totals[g][j] * totals[g][i] for g, j, i in self.pairs])

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def images(self) -> Floats:
        """All functions, shape (n, 2 half + 1, 2 half + 1)."""
        made = np.stack([np.outer(self.lines[g][j], self.lines[g][i]) for g, j, i in self.pairs])
        return self.balanced(made)

    def balanced(self, products: Floats) -> Floats:
        """Return the functions (or their convolutions) from the products, along axis 0."""
        first = products[0] / self.sums[0]
        made = products - self.sums.reshape(-1, *(1,) * (products.ndim - 1)) * first
        made[0] = first
        return np.asarray(made)

    def convolved(self, stamps: Floats) -> Floats:
        """Return stamps convolved with every function.

        Each function is a product, so a convolution is two products of matrices.

        Parameters
        ----------
        stamps : ndarray, shape (n_stamps, side + 2 half, side + 2 half)

        Returns
        -------
        ndarray, shape (n, n_stamps, side, side)
        """
        side = stamps.shape[1] - 2 * self.half
        tables = [np.stack([_toeplitz(row, side) for row in line]) for line in self.lines]
        along = [
            [np.matmul(stamps, table.T) for table in by_degree] for by_degree in tables
        ]  # [g][i]: (n_stamps, side + 2 half, side)
        made = np.stack([np.matmul(tables[g][j], along[g][i]) for g, j, i in self.pairs])
        return self.balanced(made)


def _toeplitz(line: Floats, side: int) -> Floats:
    """Return the matrix of a convolution with `line`, shape (side, side + len(line) - 1)."""
    made = np.zeros((side, side + len(line) - 1))
    for k in range(side):
        made[k, k : k + len(line)] = line[::-1]
    return made
