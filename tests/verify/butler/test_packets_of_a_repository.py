"""Alert packets of a repository are the product `alert`."""

import numpy as np
import pytest

from skyassay.pipeline.alerts.packets import build
from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.products import ProductError
from skyassay.pipeline.repository.create import create, register_type

from .hands import open_again

RUN = "u/night"


def table(record, count, **own):
    kinds = {"boolean": bool, "string": "U1"}
    fields = newest().record(record).fields
    return {f.name: np.zeros(count, kinds.get(f.kind, float)) for f in fields} | own


def container(first, count):
    ids = np.arange(first, first + count)
    own = {"diaSourceId": ids, "diaObjectId": ids + 1000, "visit": np.full(count, 7)}
    sources = table("diaSource", count, **own, band=np.full(count, "r"))
    return build(sources, table("diaObject", count, diaObjectId=ids + 1000)).container()


@pytest.fixture
def repo(tmp_path):
    """Return a repository with five alerts of two detectors, and none of a third."""
    butler = create(tmp_path / "repo", "tiny")
    butler.collections.register(RUN)
    register_type(butler, "alert_packets", ("instrument", "detector"), "AlertPackets")
    for detector, (first, count) in enumerate([(1, 3), (4, 2), (6, 0)]):
        butler.registry.syncDimensionData(
            "detector",
            {"instrument": "SimCam", "id": 50 + detector, "full_name": f"X{detector}"},
        )
        where = {"instrument": "SimCam", "detector": 50 + detector}
        butler.put(container(first, count), "alert_packets", where, run=RUN)
    return tmp_path / "repo"


def test_alerts_are_found(repo):
    source = open_again(repo, RUN)
    assert "alert" in source.products
    assert source.identity()["alert"]["rows"] == 5
    assert source.identity()["alert"]["datasets"] == 3
    (part,) = source.partitions({"alert": ("diaSourceId", "diaObjectId", "hasDiaObject")}, "row", 1)
    assert part["alert"]["diaSourceId"].tolist() == [1, 2, 3, 4, 5]
    assert part["alert"]["diaObjectId"].tolist() == [1001, 1002, 1003, 1004, 1005]
    assert part["alert"]["hasDiaObject"].all()


def test_damage_is_said(repo):
    path = next(path for path in sorted(repo.rglob("*.avro")) if path.stat().st_size > 10_000)
    data = path.read_bytes()
    path.write_bytes(data[:-7])
    source = open_again(repo, RUN)
    assert "alert" not in source.products
    assert source.absent("alert").code == "unreadable_data"
    broken = bytearray(data)
    broken[-3] ^= 1  # the mark at the end
    path.write_bytes(bytes(broken))
    source = open_again(repo, RUN)
    with pytest.raises(ProductError) as caught:
        list(source.partitions({"alert": ("diaSourceId",)}, "row", 1))
    assert caught.value.code == "unreadable_data"
    assert "alert_packets" in str(caught.value)
