"""The sky background of one detector: values on a mesh, a spline between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline


@dataclass(frozen=True, eq=False)
class Background:
    """Level and noise of the sky.

    Attributes
    ----------
    level : ndarray, shape (n_y, n_x)
        Sky in the cells of the mesh, electrons per pixel.
    noise : ndarray, shape (n_y, n_x)
        Standard deviation of a pixel of empty sky, electrons.
    nodes_y, nodes_x : ndarray, shapes (n_y,) and (n_x,)
        Centres of the cells, pixel.
    shape : tuple of int
        Rows and columns of the detector.
    """

    level: NDArray[np.float64]
    noise: NDArray[np.float64]
    nodes_y: NDArray[np.float64]
    nodes_x: NDArray[np.float64]
    shape: tuple[int, int]

    def image(self) -> NDArray[np.float32]:
        """Return the sky of every pixel, electrons, shape `self.shape`."""
        rows = _weights(self.nodes_y, self.shape[0])
        columns = _weights(self.nodes_x, self.shape[1])
        made: NDArray[np.float32] = (rows @ self.level @ columns.T).astype(np.float32)
        return made

    def noise_at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise of the sky (electrons) in the cells of positions (pixel)."""
        return self.noise[_nearest(self.nodes_y, y), _nearest(self.nodes_x, x)]

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return everything as arrays, for a file."""
        shape = np.array(self.shape, dtype=np.float64)
        return {
            "level": self.level,
            "noise": self.noise,
            "nodes_y": self.nodes_y,
            "nodes_x": self.nodes_x,
            "shape": shape,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float64]]) -> Background:
        """Return the background that `to_arrays` wrote."""
        shape = arrays["shape"]
        return cls(
            arrays["level"],
            arrays["noise"],
            arrays["nodes_y"],
            arrays["nodes_x"],
            (int(shape[0]), int(shape[1])),
        )


def _nearest(nodes: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.searchsorted((nodes[1:] + nodes[:-1]) / 2.0, at)


def _weights(nodes: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return weights of the nodes at every pixel: a natural spline, straight beyond its ends."""
    if len(nodes) == 1:
        return np.ones((n, 1))
    at = np.arange(n, dtype=np.float64)
    inside = np.clip(at, nodes[0], nodes[-1])
    spline = CubicSpline(nodes, np.eye(len(nodes)), bc_type="natural")
    weights: NDArray[np.float64] = spline(inside) + (at - inside)[:, None] * spline(inside, 1)
    return weights
