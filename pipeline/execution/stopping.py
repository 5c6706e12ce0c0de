"""Requests to stop: SIGTERM and SIGINT end a run in order instead of in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether somebody asked the run to stop, and by what."""

    def __init__(self) -> None:
        self.reason = ""

    @property
    def asked(self) -> bool:
        """Whether the run is to take no new job."""
        return bool(self.reason)

    def ask(self, reason: str) -> None:
        """Ask the run to stop; `reason` completes the sentence "stopped by"."""
        self.reason = self.reason or reason


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request to stop; a second one acts as it did before.

    Only the main thread can hear signals; in any other the request never comes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hear(number: int, _: FrameType | None) -> None:
        request.ask(signal.Signals(number).name)
        restore()

    for number in SIGNALS:
        signal.signal(number, hear)
    try:
        yield request
    finally:
        restore()
