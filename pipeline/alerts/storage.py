"""How a Butler keeps the packets of one detector: the bytes of an Avro container, as they are."""

from __future__ import annotations

from lsst.daf.butler import FormatterV2
from lsst.resources import ResourcePath


class ContainerFormatter(FormatterV2):  # type: ignore[misc]
    """Bytes to a file ``.avro`` and back."""

    default_extension = ".avro"
    can_read_from_local_file = True

    def read_from_local_file(
        self, path: str, component: str | None = None, expected_size: int = -1
    ) -> bytes:
        """Return the container's bytes."""
        return bytes(ResourcePath(path).read())

    def write_local_file(self, in_memory_dataset: bytes, uri: ResourcePath) -> None:
        """Write them."""
        uri.write(in_memory_dataset)
