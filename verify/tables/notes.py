"""What a reader noticed about a table: reported by name and count, never silently mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from skyassay.pipeline.products import ProductError

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Note:
    """One thing about a table that its user should know.

    Attributes
    ----------
    product : str
    code : str
        ``unit_assumed``, ``missing_column``, ``column_in_some_files``, ``wrong_type``,
        ``wrong_unit``, ``unit_unparsable``, ``unit_ambiguous``, ``no_page_checksums``,
        ``no_footer_digest``, ``alias_ignored``, ``null_key``, ``null_flag``,
        ``duplicate_key``, ``unexpected_band``.
    severity : str
        ``info``, ``warning`` or ``error``.
    message : str
        One sentence.
    column : str or None
    count : int
        Rows concerned; 0 when it concerns no particular rows.
    hint : str
    """

    product: str
    code: str
    severity: Severity
    message: str
    column: str | None = None
    count: int = 0
    hint: str = ""


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn whatever a file library raises on damaged bytes into one clear error.

    The libraries promise no particular exception for a damaged file, so this is the one
    place where every exception is caught.
    """
    try:
        yield
    except (ProductError, GeneratorExit):
        raise
    except Exception as error:
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ProductError(
            f"{path} cannot be read: it is damaged, cut short or not what its name says.",
            code="unreadable_data",
            hint=f"Fetch or write the file again. The reader said: {cause[:200]}",
            exit_code=3,
        ) from error
