"""A chain's own runs, without its inputs."""

from lsst.daf.butler import CollectionType

from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.chains import own_runs
from skyassay.pipeline.repository.create import create


def test_inputs_of_a_chain_are_not_its_own(tmp_path):
    with create(tmp_path / "repo", "tiny") as butler:
        runs = [f"{names.TEMPLATES}/2", f"{names.TEMPLATES}/1"]
        for run in (*runs, names.RAW, names.INJECTED_RAW):
            butler.collections.register(run)
        butler.collections.register(names.TEMPLATES, CollectionType.CHAINED)
        butler.collections.redefine_chain(names.TEMPLATES, [*runs, names.RAW])
        assert own_runs(butler, names.TEMPLATES) == tuple(runs)
        assert own_runs(butler, names.INJECTED_RAW) == (names.INJECTED_RAW,)
        assert own_runs(butler, "SimCam/runs/never") == ()
