"""What a chain of collections holds of its own."""

from __future__ import annotations

from lsst.daf.butler import Butler, CollectionType


def own_runs(butler: Butler, name: str) -> tuple[str, ...]:
    """Return the collections whose datasets belong to `name`, the newest first.

    A chain of results ends with its inputs: who looks through it sees their datasets too, as
    the frames of all nights where only the injected ones are meant.

    Parameters
    ----------
    butler : Butler
    name : str
        A chain, whose runs are called ``<name>/...``, or any other collection, which is its
        own; nothing is returned for one that does not exist.
    """
    if name not in set(butler.collections.query("*")):
        return ()
    info = butler.collections.get_info(name)
    if info.type is not CollectionType.CHAINED:
        return (name,)
    return tuple(child for child in info.children if child.startswith(f"{name}/"))
