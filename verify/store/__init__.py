"""The evidence store: what was measured, how it was judged, and the tables behind it.

An acknowledged result is never lost by a killed process; a result is written completely or
not at all; the same key with another value is an error, never an overwrite. Not promised:
power loss on disks that lie about fsync, and network file systems (SQLite's WAL needs a
local disk).

Examples
--------
>>> from skyassay.verify.store import open_store
>>> with open_store() as store:             # for reading; write=True to add
...     newest = store.runs()[-1]
...     verdicts = store.verdicts(newest.id)
"""

from skyassay.verify.store.store import DEFAULT_URL, History, Store, open_store

__all__ = ["DEFAULT_URL", "History", "Store", "open_store"]
