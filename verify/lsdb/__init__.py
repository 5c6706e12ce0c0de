"""HATS catalogs through LSDB: the same plugins, mapped over partitions of the sky."""

from skyassay.verify.lsdb.source import LsdbSource, open_hats

__all__ = ["LsdbSource", "open_hats"]
