"""Errors of sending alerts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skyassay.pipeline.execution.errors import DISK_FULL, reason_code, sentence
from skyassay.pipeline.products.errors import ProductError

BROKER_AWAY = "BROKER_AWAY"


class DistributionError(ProductError):
    """Alerts cannot be sent, kept or read; parameters as in `ProductError`."""


def wrong(message: str, code: str, hint: str = "") -> DistributionError:
    """Return an error of usage: exit code 4."""
    return DistributionError(message, code=code, hint=hint, exit_code=4)


@contextmanager
def named(message: str, code: str) -> Iterator[None]:
    """Turn what goes wrong with files and databases into an error with words.

    Raises
    ------
    DistributionError
        ``DISK_FULL`` or `code`; one that has words already passes.
    """
    try:
        yield
    except ProductError:
        raise
    except Exception as err:
        raise DistributionError(
            f"{message}: {sentence(err)}",
            code=DISK_FULL if reason_code(err) == DISK_FULL else code,
            hint="Mend that and run the same again: what was acknowledged is not sent twice.",
        ) from err
