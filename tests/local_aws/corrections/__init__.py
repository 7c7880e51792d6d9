"""What MiniStack gets wrong for this system, corrected: one module for each AWS service or behaviour."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def apply_corrections() -> None:
    """Import every module of this package: importing one puts its corrections in place."""
    for module in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        import_module(f"{__name__}.{module.stem}")
