"""Data in: Parquet, FITS and ECSV tables as clean partitions of named products.

Bit flips in files without checksums cannot be detected; such files are reported by the
note ``no_page_checksums``.
"""

from skyassay.verify.tables.contract import (
    ContractReport,
    Finding,
    check_contract,
    contract_findings,
)
from skyassay.verify.tables.notes import Note
from skyassay.verify.tables.source import Absence, FileSource, Source, no_table, open_tables

__all__ = [
    "Absence",
    "ContractReport",
    "FileSource",
    "Finding",
    "Note",
    "Source",
    "check_contract",
    "contract_findings",
    "no_table",
    "open_tables",
]
