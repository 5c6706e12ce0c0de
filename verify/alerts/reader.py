"""Files of alert packets as the products `alert` and `dia_source`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from skyassay.pipeline.products import Product, ProductError, product
from skyassay.pipeline.products.io import arrow_type
from skyassay.verify.alerts.content import load
from skyassay.verify.alerts.decode import packets
from skyassay.verify.alerts.files import alert_files
from skyassay.verify.alerts.rows import Row, alert_row, source_rows
from skyassay.verify.tables.notes import Note, reading
from skyassay.verify.tables.readers import BATCH_ROWS, Group, StoredField
from skyassay.verify.tables.resolve import resolve
from skyassay.verify.tables.stored import StoredProduct

#: Products that packets give.
PRODUCTS = ("alert", "dia_source")
#: `target_name` of packets that the pipeline has made of simulated frames.
SIMULATED = "simulated"
#: Alerts that are kept as rows before they become columns.
_PIECE = 2_000
Schemas = dict[str, pa.Schema]


@dataclass(frozen=True, eq=False)
class AlertReader:
    """Rows made of packets (see `readers.Reader`); `path` is the file or folder as given."""

    path: Path
    table: pa.Table = field(repr=False)
    fields: dict[str, StoredField]
    protection: str

    @property
    def rows(self) -> int:
        """Rows in it."""
        return int(self.table.num_rows)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing: packets are in no order."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield slices of the rows."""
        yield from self.table.select(list(columns)).to_batches(max_chunksize=BATCH_ROWS)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and unpacked content of each file again; those that are damaged are not."""
        for file in alert_files(self.path):
            try:
                with reading(str(file)):
                    content, _ = load(file)
            except ProductError:
                continue  # told when it was opened
            yield str(file), content


def open_alerts(path: Path, *, previous: bool = False) -> dict[str, StoredProduct]:
    """Return the products that a file or folder of packets holds.

    Parameters
    ----------
    path : Path
        An Avro container, messages in Confluent's wire format, gzip of either, or a folder of
        such files. Found by their content; in a folder, files that are none are left alone
        unless their name ends in ``.avro`` or ``.avro.gz``.
    previous : bool
        The earlier DIASources of the packets too. Without them `dia_source` holds the visits
        that were alerted on, whole; with them, parts of earlier visits.

    Returns
    -------
    dict of str to StoredProduct
        `alert` and `dia_source`. A file of a folder that cannot be read is an error note with
        its name, and the others are measured.

    Raises
    ------
    ProductError
        ``not_found``, ``no_alert_packet`` (exit code 4); where nothing can be read, the error
        of the first file: ``unreadable_data``, ``not_an_alert``, ``unknown_schema``,
        ``unknown_codec``, ``archive_bomb``, ``wrong_type``.
    """
    files = alert_files(path)
    made = _Collected({name: _schema(product(name)) for name in PRODUCTS})
    for file in files:
        made.read(file, previous=previous)
    made.flush()
    if not made.sound:
        raise made.errors[0][1]
    digest = _digest(path, made.digests)
    notes = tuple(_note(error, len(files)) for _, error in made.errors)
    protection = "full" if made.protected else "none"
    return {
        name: replace(
            _stored(product(name), path, made.table(name), protection, digest, notes),
            simulated=made.simulated,
        )
        for name in PRODUCTS
    }


def alert_schema() -> pa.Schema:
    """Return the columns of `alert`, with their units."""
    wanted = product("alert")
    units = {name: column.unit for name, column in wanted.columns.items()}
    return pa.schema(
        [f.with_metadata({"unit": units[f.name]}) if units[f.name] else f for f in _schema(wanted)]
    )


def alert_table(data: bytes) -> pa.Table:
    """Return the packets of one file's content as rows of `alert`.

    Raises
    ------
    ProductError, Exception
        As `decode.packets`; ``pyarrow.ArrowException`` where values have wrong types.
    """
    return pa.Table.from_pylist([alert_row(one) for one in packets(data)], schema=alert_schema())


class _Collected:
    """Rows so far; a file counts whole or not at all."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.tables = {name: schema.empty_table() for name, schema in schemas.items()}
        self.there: dict[str, set[str]] = {name: set() for name in schemas}
        self.waiting: list[tuple[Path, dict[str, list[Row]]]] = []
        self.errors: list[tuple[Path, ProductError]] = []
        self.digests: list[tuple[Path, str]] = []
        self.sound, self.alerts = 0, 0
        self.protected, self.simulated = True, False

    def read(self, file: Path, *, previous: bool) -> None:
        """Add the packets of one file; what is wrong with it is kept."""
        rows: dict[str, list[Row]] = {name: [] for name in PRODUCTS}
        simulated = False
        try:
            with reading(str(file)):
                data, packed = load(file)
                for packet in packets(data):
                    simulated |= packet.record.get("target_name") == SIMULATED
                    rows["alert"].append(alert_row(packet))
                    rows["dia_source"] += source_rows(packet, previous=previous)
        except ProductError as error:
            self.errors.append((file, _of_file(file, error)))
            return
        self.digests.append((file, hashlib.sha256(file.read_bytes()).hexdigest()))
        self.protected &= packed
        self.simulated |= simulated
        self.waiting.append((file, rows))
        self.alerts += len(rows["alert"])
        if self.alerts >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Turn the rows that wait into columns; a file whose values have wrong types is left."""
        waiting, self.waiting, self.alerts = self.waiting, [], 0
        try:
            self._add([rows for _, rows in waiting])
            self.sound += len(waiting)
            return
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass  # one of them is bad: which one?
        for file, rows in waiting:
            try:
                self._add([rows])
                self.sound += 1
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                self.errors.append((file, _wrong_type(file, error)))

    def table(self, name: str) -> pa.Table:
        """Return the rows of a product, with the columns that a schema of theirs knows."""
        whole = self.tables[name]
        return whole.select([one for one in whole.column_names if one in self.there[name]])

    def _add(self, waiting: Sequence[dict[str, list[Row]]]) -> None:
        made = {}
        for name, schema in self.schemas.items():
            rows = [row for one in waiting for row in one[name]]
            self.there[name].update(*rows)
            made[name] = pa.Table.from_pylist(rows, schema=schema)
        for name, table in made.items():
            self.tables[name] = pa.concat_tables([self.tables[name], table])


def _schema(wanted: Product) -> pa.Schema:
    """Return the columns that a product knows, in types that hold every value of a packet."""
    wide = {"float32": "float64", "int16": "int64", "int32": "int64"}
    return pa.schema(
        [
            pa.field(name, arrow_type(wide.get(column.dtype, column.dtype)))
            for name, column in wanted.columns.items()
        ]
    )


def _stored(
    wanted: Product,
    path: Path,
    table: pa.Table,
    protection: str,
    digest: str,
    notes: tuple[Note, ...],
) -> StoredProduct:
    """Return a product of rows in memory."""
    kept = table.combine_chunks()
    fields = {
        name: StoredField(name, kept.schema.field(name).type, wanted.columns[name].unit or None)
        for name in kept.column_names
    }
    reader = AlertReader(path, kept, fields, protection)
    plan = resolve(reader, wanted)
    named = tuple(replace(note, product=wanted.name) for note in notes)
    whole = replace(plan, notes=(*plan.notes, *named))
    return StoredProduct(wanted, str(path), ((reader, whole),), (digest,))


def _digest(path: Path, digests: Sequence[tuple[Path, str]]) -> str:
    """Return the SHA-256 of the file; of the list of paths and SHA-256s in a folder."""
    if path.is_file():
        return digests[0][1]
    lines = [f"{digest}  {file.relative_to(path).as_posix()}\n" for file, digest in digests]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _of_file(file: Path, error: ProductError) -> ProductError:
    """Return an error that names its file."""
    text = str(error)
    if str(file) not in text:
        text = f"{file} cannot be read: {text[0].lower()}{text[1:]}"
    return ProductError(text, code=error.code, hint=error.hint, exit_code=error.exit_code)


def _wrong_type(file: Path, error: Exception) -> ProductError:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    return ProductError(
        f"{file} cannot be read: a field has values of another type than alerts have.",
        code="wrong_type",
        hint=f"Write it by the published schema. The reader said: {cause[:200]}",
    )


def _note(error: ProductError, count: int) -> Note:
    text = f"{str(error).rstrip('.')}; it is one of {count} files, and the rest are measured."
    return Note("alert", error.code, "error", text, hint=error.hint)
