"""Waiting for what the deployed system does in its own time."""

from __future__ import annotations

import time
from collections.abc import Iterator

_LONGEST_SECONDS = 300
_PAUSE_SECONDS = 0.2


def patiently(complaint: str) -> Iterator[None]:
    """Go round until the caller leaves, with a pause each time.

    Raises TimeoutError with the complaint when that takes longer than anything here ever does.
    """
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"{complaint} within {_LONGEST_SECONDS} seconds")
