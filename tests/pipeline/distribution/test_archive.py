"""The archive: every alert back as it was sent, and what it says where it cannot."""

from __future__ import annotations

import os

import fastavro
import numpy as np
import pytest

from skyassay.pipeline.distribution.archive import Archive
from skyassay.pipeline.distribution.census import alert_archive
from skyassay.pipeline.distribution.distribute import ARCHIVE, LOG, distribute_night
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.io import to_arrow


def read(path):
    with path.open("rb") as stream:
        return [record["diaSourceId"] for record in fastavro.reader(stream)]


def test_the_archive_gives_back_every_alert_and_names_what_it_cannot(tmp_path, make):
    images = make.night()
    distribute_night(tmp_path, images, full=1).check()
    archive = Archive(tmp_path / ARCHIVE)
    for image in images:
        for i, alert in enumerate(image.ids):
            assert archive.fetch(alert) == image.message(i)
            assert image.message(i)[:5] == b"\0" + image.container.schema_id.to_bytes(4, "big")
    # One container a visit, which any reader of Avro reads.
    assert read(tmp_path / "archive/1_v1101.avro") == [*images[0].ids, *images[1].ids]
    assert archive.store(images[0]) == 0 and len(archive) == 12
    with pytest.raises(DistributionError) as caught:
        archive.fetch(5)
    assert caught.value.code == "ALERT_ABSENT"
    path = tmp_path / "archive/1_v1101.avro"
    damaged = bytearray(path.read_bytes())
    damaged[-200] ^= 1
    path.write_bytes(damaged)
    (tmp_path / "archive/2_v1101.avro").unlink()
    for alert in (images[1].ids[-1], images[2].ids[0]):
        with pytest.raises(DistributionError) as caught:
            archive.fetch(alert)
        assert caught.value.code == "ALERT_DAMAGED"
    census = alert_archive(tmp_path / LOG, archive)
    assert list(census["identical"]) == [True] * 5 + [False] * 7
    assert list(census["archived"]) == [True] * 5 + [False] * 7 and census["sent"].all()
    columns = {c: np.asarray(census[c]) for c in census.colnames}
    assert to_arrow(product("alert_archive"), columns).num_rows == 12
    archive.close()


def test_what_a_dead_process_left_in_the_archive_is_cut_off(tmp_path, make):
    first, second = make.image(1, 0), make.image(1, 1)
    archive = Archive(tmp_path)
    archive.store(first)
    with (tmp_path / "1_v1101.avro").open("ab") as stream:
        stream.write(b"half a block")
    archive.store(second)
    assert read(tmp_path / "1_v1101.avro") == [*first.ids, *second.ids]
    os.truncate(tmp_path / "1_v1101.avro", 100)
    with pytest.raises(DistributionError, match="shorter than its index"):
        archive.store(make.image(1, 2))
    archive.close()
