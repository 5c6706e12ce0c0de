"""The nominal camera: what its makers say of it. The true one is the simulator's secret."""

from __future__ import annotations

from dataclasses import dataclass

from skyassay.pipeline.instrument.errors import InstrumentError


@dataclass(frozen=True)
class Amplifier:
    """One read-out channel of a detector; nominal values.

    Attributes
    ----------
    name : str
        ``C00`` ... (row, column).
    index : int
        Its place in `RawFrame.amps`.
    x0, y0, width, height : int
        Box in the assembled detector, pixels.
    flip_x, flip_y : bool
        Whether pixels are read in descending x, y: the first one read is the box's corner
        next to the serial register.
    gain : float
        Electrons per ADU.
    read_noise : float
        Electrons.
    saturation : float
        Full well, electrons.
    prescan, overscan, parallel : int
        Columns read before the data, after them, and rows read after them.
    """

    name: str
    index: int
    x0: int
    y0: int
    width: int
    height: int
    flip_x: bool
    flip_y: bool
    gain: float = 1.6
    read_noise: float = 6.0
    saturation: float = 90_000.0
    prescan: int = 4
    overscan: int = 32
    parallel: int = 8

    @property
    def raw_shape(self) -> tuple[int, int]:
        """Rows and columns as read."""
        return self.height + self.parallel, self.prescan + self.width + self.overscan

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of the assembled detector that this amplifier reads."""
        return slice(self.y0, self.y0 + self.height), slice(self.x0, self.x0 + self.width)


@dataclass(frozen=True)
class Detector:
    """One sensor and where it stands in the focal plane.

    Attributes
    ----------
    id : int
    name, raft : str
        ``R22_S11`` and ``R22``.
    x, y : float
        Centre of the detector, degrees in the tangent plane (gnomonic) about the boresight.
        At rotation 0, +x is east and +y north.
    nx, ny : int
        Pixels. At rotation 0 the columns run along +x, the rows along +y.
    amplifiers : tuple of Amplifier
    """

    id: int
    name: str
    raft: str
    x: float
    y: float
    nx: int
    ny: int
    amplifiers: tuple[Amplifier, ...]


@dataclass(frozen=True)
class Camera:
    """All detectors.

    Attributes
    ----------
    name : str
        Of the instrument.
    layout : str
    pixel_scale : float
        Nominal, arcsec per pixel.
    detectors : tuple of Detector
    """

    name: str
    layout: str
    pixel_scale: float
    detectors: tuple[Detector, ...]

    def __getitem__(self, detector: int) -> Detector:
        """Return a detector by its id."""
        for item in self.detectors:
            if item.id == detector:
                return item
        raise InstrumentError(
            f"Layout {self.layout} has no detector {detector}.",
            code="unknown_detector",
            hint=f"It has {len(self.detectors)}, from {self.detectors[0].id}.",
            exit_code=4,
        )


def amplifiers(nx: int, ny: int, columns: int) -> tuple[Amplifier, ...]:
    """Return the amplifiers of a detector: two rows of `columns`, read towards top and bottom.

    Raises
    ------
    InstrumentError
        ``bad_layout`` where the amplifiers do not divide the detector.
    """
    if nx % columns or ny % 2:
        raise InstrumentError(
            f"A detector of {nx} x {ny} pixels is not divided by {columns} x 2 amplifiers.",
            code="bad_layout",
            exit_code=4,
        )
    width, height = nx // columns, ny // 2
    return tuple(
        Amplifier(
            name=f"C{row}{column}",
            index=row * columns + column,
            x0=column * width,
            y0=row * height,
            width=width,
            height=height,
            flip_x=column % 2 == 1,
            flip_y=row == 1,
        )
        for row in range(2)
        for column in range(columns)
    )
