"""Xid errors of NVIDIA GPUs, as events. I/O: NVML calls that return at once.

A driver keeps no list of past errors: what happened before the event set was made is not known.
Kept are the newest `KEPT` kinds of error for each device, one entry for each code.
"""

from __future__ import annotations

import time
from typing import Any, Final

from jupyterlab_studiolo.devices import Xid
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_words import xid_text

KEPT: Final = 8
_AT_ONCE: Final = 32


class XidWatch:
    """The errors of cards, by the card's id. `open` with every opening of the driver."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[int, Xid]] = {}
        self._told: set[str] = set()
        self._set: Any = None
        self._calls: NvmlCalls | None = None

    def open(self, calls: NvmlCalls, cards: dict[str, Any]) -> None:
        """Asks to be told of errors of these cards (id to handle)."""
        self._calls, self._told = calls, set()
        self._set = calls.ask("", "nvmlEventSetCreate")
        if self._set is None:
            return
        kind = calls.nvml.nvmlEventTypeXidCriticalError
        for card, handle in cards.items():
            offered = calls.ask(card, "nvmlDeviceGetSupportedEventTypes", handle)
            if offered is None or not offered & kind:
                continue
            try:
                calls.nvml.nvmlDeviceRegisterEvents(handle, kind, self._set)
            except calls.nvml.NVMLError:
                continue  # not for this card or not for us: its errors stay unknown
            self._told.add(card)

    def close(self) -> None:
        """Before the driver is shut down. What was seen is kept."""
        if self._set is not None and self._calls is not None:
            nvml, events = self._calls.nvml, self._set
            self._set = None
            try:
                nvml.nvmlEventSetFree(events)
            except nvml.NVMLError:
                return

    def poll(self, cards: dict[bytes, str]) -> None:
        """Takes what has happened since. `cards`: the bytes of a handle to the card's id."""
        if not self._told or self._calls is None:
            return
        nvml = self._calls.nvml
        for _ in range(_AT_ONCE):
            try:
                event = nvml.nvmlEventSetWait_v2(self._set, 0)
            except nvml.NVMLError:  # nothing more has happened, or a card is lost, which others say
                return
            card = cards.get(bytes(event.device))
            if card is not None and event.eventType == nvml.nvmlEventTypeXidCriticalError:
                self.add(card, int(event.eventData))

    def add(self, card: str, code: int, *, at: float | None = None) -> None:
        """Notes one error."""
        moment = time.time() if at is None else at
        seen = self._seen.setdefault(card, {})
        before = seen.pop(code, None)
        seen[code] = Xid(moment, code, xid_text(code), 1 if before is None else before.times + 1)
        while len(seen) > KEPT:
            del seen[next(iter(seen))]

    def of(self, card: str) -> tuple[Xid, ...] | None:
        """The errors of a card, newest first; None where the driver does not tell them."""
        seen = self._seen.get(card)
        if seen:
            return tuple(reversed(seen.values()))
        return () if card in self._told else None
