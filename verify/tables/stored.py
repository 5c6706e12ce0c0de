"""One product in its files: columns, rows, identity."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from skyassay.pipeline.products import Product
from skyassay.verify.tables.convert import canonical_batch
from skyassay.verify.tables.notes import Note
from skyassay.verify.tables.readers import Reader
from skyassay.verify.tables.resolve import Plan

_PROTECTION = {
    "none": (
        "no_page_checksums",
        "has no checksums: a flipped bit in it reads as another number and cannot be seen.",
    ),
    "pages": (
        "no_footer_digest",
        "has page checksums, but nothing protects its column names, units and row counts.",
    ),
}


@dataclass(frozen=True)
class StoredProduct:
    """One product in one or more files.

    Attributes
    ----------
    product : Product
    path : str
        As the user gave it.
    files : tuple of (Reader, Plan)
    known_digests : tuple of str
        `digests`, where somebody has read the files for them before.
    simulated : bool
        The rows themselves say that they are.
    """

    product: Product
    path: str
    files: tuple[tuple[Reader, Plan], ...]
    known_digests: tuple[str, ...] = ()
    simulated: bool = False

    @property
    def rows(self) -> int:
        """Rows in all files, broken and repeated ones too."""
        return sum(reader.rows for reader, _ in self.files)

    def columns(self) -> tuple[str, ...]:
        """Return the columns that every file has, in the product's order."""
        there = set.intersection(*(set(plan.links) for _, plan in self.files))
        known = [name for name in self.product.columns if name in there]
        return (*known, *sorted(there - set(known)))

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[tuple[int, ...], ...] | None = None,
        *,
        coded: bool = False,
    ) -> Iterator[pa.Table]:
        """Yield the rows as they are, with our names, types and units; at least one piece.

        `groups` names the row groups of each file to read; all of them if None. Text that
        has few words, by the product's schema, is read as codes; with `coded` all text is
        handed on so (`coded.CODED`), otherwise as strings.
        """
        for index, (reader, plan) in enumerate(self.files):
            links = {name: plan.links[name] for name in columns}
            stored = tuple(dict.fromkeys(link.stored for link in links.values()))
            fields = [pa.field(name, reader.fields[name].type) for name in stored]
            empty = pa.RecordBatch.from_pylist([], schema=pa.schema(fields))
            yield canonical_batch(empty, links, coded=coded)
            few = tuple(dict.fromkeys(v.stored for v in links.values() if v.column.values))
            for batch in reader.batches(stored, groups[index] if groups else None, few):
                yield canonical_batch(batch, links, coded=coded)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each file's content, in the order of the files."""
        return self.known_digests or tuple(_file_sha256(r.path) for r, _ in self.files)

    def only(self, files: Sequence[int]) -> StoredProduct:
        """Return the product in some of its files."""
        return replace(
            self,
            files=tuple(self.files[i] for i in files),
            known_digests=tuple(self.digests[i] for i in files),
        )

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file; of the sorted paths and SHA-256s when there are several."""
        base = Path(self.path)
        if [reader.path for reader, _ in self.files] == [base]:
            return self.digests[0]
        lines = [
            f"{digest}  {reader.path.relative_to(base).as_posix()}\n"
            for digest, (reader, _) in zip(self.digests, self.files, strict=True)
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def notes(self) -> Iterator[Note]:
        """Yield what was noticed when the files were opened."""
        for reader, plan in self.files:
            yield from plan.notes
            if reader.protection in _PROTECTION:
                code, text = _PROTECTION[reader.protection]
                yield Note(
                    self.product.name,
                    code,
                    "info",
                    f"{reader.path} {text}",
                    hint="Compare its SHA-256 with the publisher's, or write page checksums.",
                )
        yield from self._uneven()

    def _uneven(self) -> Iterator[Note]:
        """Yield the columns that only some of the files have: they cannot be read."""
        noted = {note.column for _, plan in self.files for note in plan.notes}
        held = Counter(name for _, plan in self.files for name in plan.links)
        for name, count in sorted(held.items()):
            if count < len(self.files) and name not in noted:
                yield Note(
                    self.product.name,
                    "column_in_some_files",
                    "warning",
                    f"{name} is in {count} of the {len(self.files)} files of {self.path}; "
                    "it is not read.",
                    name,
                    hint="Give it to every file, or measure the files apart.",
                )


def _file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
