"""How difference images were made: threshold, pull, and whether they say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import positive
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
    finite,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.processing.images import image_key
from skyassay.metrics.states import extremes, unit_rows
from skyassay.metrics.states.extremes import Extremes, from_values
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import number, spread

QUALITY, NIGHT = "difference_quality", "night_detector"
_KEY = (Column("visit"), Column("detector"))


class DetectionThreshold(BaseMetric):
    """Largest S/N above which detections were kept on any difference image.

    A census of the images: every one reports the threshold that it was searched with.

    Source: LPM-17 section 3.5 (transSNR), LSE-61 DMS-REQ-0269 and 0270.
    Differs from the peers: none reports it.
    Not measured when: an image has no threshold above zero; a census leaves nothing out.
    """

    id = "difference.threshold.snr"
    unit = ""
    title = "Detection threshold on differences (transSNR)"
    requirements = ("LPM-17.transSNR/value", "DMS-REQ-0269/transSNR", "DMS-REQ-0270/transSNR")
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "largest threshold of all images"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {QUALITY: (*_KEY, Column("threshold"))}
    locality: ClassVar[Locality] = "row"

    def zero(self) -> Extremes:
        """Return the state of no data."""
        return Extremes()

    def fold(self, part: Tables) -> Extremes:
        """Return the extremes of each detector."""
        level = number(part[QUALITY], "threshold")
        sound = np.where(positive(level), level, np.nan)
        return from_values(np.asarray(part[QUALITY]["detector"]), sound)

    def merge(self, a: Extremes, b: Extremes) -> Extremes:
        """Return the extremes of both parts."""
        return extremes.merge(a, b)

    def finish(self, state: Extremes, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        if not len(state.key):
            return []
        lost, n = int(state.lost.sum()), int(state.count.sum())
        if lost:
            why = NotMeasured("incomplete_census", f"{lost} images do not say their threshold.")
            return [self.not_measured(why, n=n, n_rejected=lost)]
        value = Value(float(state.high.max()), n, diagnostics={"n_units": len(state.key)})
        return [self.measured(value)]


class ImagePull(BaseMetric):
    """Mean over difference images of the scatter of pixels over their quoted error.

    Away from sources and masks; 1 where noise and its correlation are described rightly.

    Source: LSE-61 DMS-REQ-0010 ("cancelled to the noise"); no limit is stated.
    Differs from the peers: ip_diffim gives the same ratio of single images.
    Not measured when: fewer than three visits or more than 5 % of the images have no pull.
    """

    id = "difference.images.pull"
    unit = ""
    title = "Pull of the pixels of differences"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "mean of pullStd", "min_visits": 3, "most_lost": 0.05})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {QUALITY: (*_KEY, Column("pullStd"))}
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit", "detector"))

    def fold(self, part: Tables) -> UnitRows:
        """Return the pull of every image of one partition."""
        table = part[QUALITY]
        pull = number(table, "pullStd")
        good = positive(pull)
        columns = {n: np.asarray(table[n]).astype(np.int64)[good] for n in ("visit", "detector")}
        counts = {"rows": len(good), "lost": int((~good).sum())}
        return from_columns(("visit", "detector"), {**columns, "pull": pull[good]}, counts)

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the images of both parts."""
        return unit_rows.merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the mean; none when there was no row at all."""
        rows, lost = state.counts.get("rows", 0), state.counts.get("lost", 0)
        if not rows:
            return []
        try:
            visits = len(np.unique(state["visit"]))
            if visits < self.recipe["min_visits"]:
                raise NotMeasured("too_few_visits", f"{visits} visits have a pull.")
            if lost > self.recipe["most_lost"] * rows:
                raise NotMeasured("rows_incomplete", f"{lost} of {rows} images have no pull.")
            value, interval = clustered_mean(state["pull"], state["visit"])
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state), n_rejected=lost)]
        notes = {
            "n_units": visits,
            "n_visits": visits,
            "lowest": float(state["pull"].min()),
            "largest": float(state["pull"].max()),
        }
        v = Value(value, len(state), interval, diagnostics=notes)
        return [self.measured(v, n_rejected=lost)]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the pull of every image."""
        some = spread(len(state))
        columns = {"value": "pull", "visit": "visit", "detector": "detector"}
        return {"": {n: state[c][some] for n, c in columns.items()}} if len(state) else {}


class AbsentDifferences(Census):
    """Number of processed images without a difference image that is sound.

    Every detector of `night_detector` that is done must have a row of `difference_quality`, with
    pixels, a template, and a scatter of pixels away from sources of 0.8 to 1.2 times its
    quoted error. What stars leave behind is counted by `difference.transients.purity`.

    Source: LSE-61 DMS-REQ-0010.
    Differs from the peers: none counts them.
    Not measured when: either table is empty or lacks a column, or less than half of the
    differences are sound and none is wrong.
    """

    id = "difference.images.absent"
    title = "Processed images without a sound difference image"
    requirements = ("DMS-REQ-0010/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(pull=[0.8, 1.2])}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        QUALITY: (*_KEY, Column("nPixel"), Column("templateCoverage"), Column("pullStd")),
        NIGHT: (*_KEY, Column("status")),
    }
    locality: ClassVar[Locality] = "visit"
    products = (QUALITY, NIGHT)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many are absent, and how many unsound."""
        made, night = part[QUALITY], part[NIGHT]
        done = image_key(night)[np.asarray(night["status"]).astype(str) == "DONE"]
        low, high = self.recipe["pull"]
        pull = number(made, "pullStd")
        with np.errstate(invalid="ignore"):
            quiet = finite(pull) & (pull >= low) & (pull <= high)
        whole = positive(made["nPixel"]) & positive(made["templateCoverage"])
        absent = ~np.isin(done, image_key(made))
        return {
            "absent": int(absent.sum()),
            "empty": int((~whole).sum()),
            "noise": int((whole & ~quiet).sum()),
            THERE: int((whole & quiet).sum()),
            DUE: len(done),
        }


class UntracedDifferences(Census):
    """Number of difference images that do not say what they were made with.

    Visit and detector are the key of a row; the number of visits in the template, the stars of
    the kernel and its sum must be above zero.

    Source: LSE-61 DMS-REQ-0074.
    Differs from the peers: none counts them.
    Not measured when: `difference_quality` is empty or lacks one of the columns.
    """

    id = "difference.images.untraced"
    title = "Difference images of unknown template or kernel"
    requirements = ("DMS-REQ-0074/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": recipe(above_zero=["nTemplateVisits", "nKernelStars", "kernelSum"])
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        QUALITY: (
            *_KEY,
            *(Column(n) for n in ("nTemplateVisits", "nKernelStars", "kernelSum")),
        )
    }
    locality: ClassVar[Locality] = "row"
    products = (QUALITY,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per entry, the images without it."""
        good = {n: positive(part[QUALITY][n]) for n in self.recipe["above_zero"]}
        wrong = {name: int((~there).sum()) for name, there in good.items()}
        return {**wrong, THERE: int(np.logical_and.reduce(list(good.values())).sum())}
