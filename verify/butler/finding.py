"""Which datasets of a repository make which product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skyassay.pipeline.products import products
from skyassay.verify.butler.opening import open_repository

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

#: Class of our own instrument, as repositories keep it.
OURS = "skyassay.pipeline.instrument.simcam.SimCam"
#: Collections of our own repositories (`skyassay.pipeline.repository.names`).
REFERENCES, TRUTH = "refcats", "truth"
#: Product -> dataset types that hold it, the best first; any other goes by its own name.
NAMES: Mapping[str, tuple[str, ...]] = {
    "visit_table": ("visit_table", "preliminary_visit_table"),
    "visit_detector_table": ("visit_detector_table", "preliminary_visit_detector_table"),
    "reference_star": ("reference_star", "skyassay_reference"),
    "crosstalk_residual": ("crosstalk_residual", "crosstalk_residual_detector"),
    "ghost_area": ("ghost_area", "ghost_area_detector"),
    "visit_image_content": ("visit_image_content", "visit_image_content_detector"),
    # The prompt database's answer knows the objects; detections alone do not.
    "dia_source": (
        "dia_source",
        "dia_source_night",
        "dia_source_apdb",
        "dia_source_visit",
        "dia_source_detector",
    ),
    "dia_object": ("dia_object", "dia_object_night"),
    "dia_object_forced_source": ("dia_object_forced_source", "dia_object_forced_source_night"),
    "injected_dia_source": ("injected_dia_source", "injected_dia_source_visit"),
    "difference_quality": ("difference_quality", "difference_quality_detector"),
    "ss_source": ("ss_source", "ss_source_detector"),
}
TRUTH_PREFIX = "truth_"
#: Made from other datasets where no dataset holds them.
DERIVED = frozenset({"matched_source", "raw_inventory", "calibration_inventory"})


@dataclass(frozen=True)
class Place:
    """A collection of a repository, and where its truth is.

    Attributes
    ----------
    repository : str
    collection : str
    truth : str or None
        Collection of the truth products; None: they are not looked at.
    """

    repository: str
    collection: str
    truth: str | None = None

    @property
    def butler(self) -> Butler:
        """The repository, open."""
        return open_repository(self.repository)

    @cached_property
    def registered(self) -> Mapping[str, str]:
        """Dataset type -> name of its storage class."""
        return {t.name: t.storageClass_name for t in self.butler.registry.queryDatasetTypes("*")}

    @cached_property
    def instruments(self) -> Mapping[str, str]:
        """Instrument -> its class."""
        return {
            str(r.name): str(r.class_name)
            for r in self.butler.query_dimension_records("instrument", explain=False)
        }

    @cached_property
    def collections(self) -> frozenset[str]:
        """Names of all collections."""
        return frozenset(self.butler.collections.query("*"))

    @property
    def is_ours(self) -> bool:
        """Whether SimCam and no other camera is in the repository."""
        return set(self.instruments.values()) == {OURS}

    def has(self, collection: str) -> bool:
        """Return whether a collection exists."""
        return collection in self.collections

    def refs(self, name: str, collections: Sequence[str] | str) -> list[DatasetRef]:
        """Return the datasets of a type, each data id once, in the order of their data ids."""
        found = self.butler.query_datasets(name, collections, explain=False, limit=None)
        return sorted(
            found, key=lambda ref: (tuple(map(str, ref.dataId.required.values())), ref.run)
        )

    def collections_of(self, product: str) -> tuple[str, ...]:
        """Return where a product is looked for."""
        if product.startswith(TRUTH_PREFIX):
            return (self.truth,) if self.truth else ()
        if product == "reference_star" and self.is_ours and self.has(REFERENCES):
            return (self.collection, REFERENCES)
        return (self.collection,)


@dataclass(frozen=True)
class Found:
    """What a collection holds of the products.

    Attributes
    ----------
    refs : mapping
        Product -> its datasets.
    unreadable : mapping
        Product -> why nothing here can read its dataset type.
    """

    refs: Mapping[str, list[DatasetRef]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


def find(place: Place) -> Found:
    """Return the datasets of every product."""
    refs: dict[str, list[DatasetRef]] = {}
    unreadable: dict[str, str] = {}
    for product in products():
        for name in NAMES.get(product, (product,)):
            where = place.collections_of(product) if name in place.registered else ()
            here = place.refs(name, where) if where else []
            if not here:
                continue
            why = not_readable(here[0], place.registered[name])
            if why is None:
                refs[product] = here
                unreadable.pop(product, None)
                break
            unreadable.setdefault(product, why)
    return Found(refs, unreadable)


def not_readable(ref: DatasetRef, storage: str) -> str | None:
    """Say why rows of a dataset cannot be read here; None where they can."""
    from lsst.daf.butler import StorageClassFactory

    text = f"{ref.datasetType.name} is stored as {storage}"
    try:
        arrow = StorageClassFactory().getStorageClass("ArrowTable")
        if arrow.can_convert(ref.datasetType.storageClass):
            return None
    except (ImportError, KeyError, AttributeError):
        return f"{text}, whose software is not installed here."
    return f"{text}, which is no table that can be read here."


def instruments_of(refs: Iterable[DatasetRef]) -> set[str]:
    """Return the instruments named in the data ids."""
    return {str(r.dataId["instrument"]) for r in refs if "instrument" in r.dimensions.names}
