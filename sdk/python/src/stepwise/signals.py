"""SIGTERM and SIGINT turned into a flag that the loop reads between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class StopSignal:
    """Remembers that the process was asked to end. A second signal of the same kind ends it at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, signal._HANDLER] = {}

    def install(self) -> None:
        """Take over both signals; does nothing outside the main thread, where Python forbids it."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._received)

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as a shell reports it; a rank stopped by its peers counts as SIGTERM."""
        return 128 + (self.number or signal.SIGTERM)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.number = number
