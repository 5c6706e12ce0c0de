"""Alerts, the forms in which they are stored, and how they are read."""

import gzip

import pytest

from skyassay.verify.tables import open_tables

from .alert_making import Writer


@pytest.fixture(scope="session")
def writer():
    """Return the writer of the newest packets."""
    return Writer()


@pytest.fixture(scope="session")
def one_wire(writer):
    """Return one message."""
    return writer.wire(writer.record())


@pytest.fixture
def read(tmp_path):
    """Return a reader of bytes, or of a folder of files, as rows by product."""
    count = [0]

    def reader(content, product="alert", columns=None):
        count[0] += 1
        path = tmp_path / f"given{count[0]}"
        if isinstance(content, dict):
            for name, data in content.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(data)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path = content
        source = open_tables({"alerts": path})
        needs = {product: columns or source.columns(product)}
        (part,) = source.partitions(needs, "row", 1)
        return source, part[product]

    return reader


@pytest.fixture
def ways():
    """Return the forms in which one alert may be stored."""

    def made(writer, record):
        wire, container = writer.wire(record), writer.container([record])
        return {
            "wire": wire,
            "container": container,
            "deflate": writer.container([record], "deflate"),
            "wire.gz": gzip.compress(wire),
            "container.gz": gzip.compress(container),
        }

    return made
