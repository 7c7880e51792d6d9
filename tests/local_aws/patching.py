"""How a correction takes the place of a function of MiniStack."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Replacement = TypeVar("Replacement", bound=Callable[..., Any])


def ministack(name: str) -> Any:
    """Import a module of MiniStack; its content is typed as Any, for it may not be installed here."""
    return import_module(f"ministack.{name}")


def replaces(module: str, name: str) -> Callable[[Replacement], Replacement]:
    """Put the decorated function in the place of ``ministack.<module>.<name>``.

    It is called with the original as its first argument. Other modules that imported the original
    by its name, and tables of handlers that contain it, get the replacement too.

    Raises :class:`AttributeError` if MiniStack has no such function: another version than the one
    that the correction was written for.
    """

    def put_in_place(replacement: Replacement) -> Replacement:
        original = getattr(ministack(module), name)

        @functools.wraps(original)
        def corrected(*arguments: Any, **named: Any) -> Any:
            return replacement(original, *arguments, **named)

        for loaded in [m for key, m in sys.modules.items() if key.startswith("ministack")]:
            _substitute(vars(loaded), original, corrected)
        return replacement

    return put_in_place


def _substitute(table: dict[Any, Any], original: object, corrected: object) -> None:
    for key, value in list(table.items()):
        if value is original:
            table[key] = corrected
        elif type(value) is dict and not str(key).startswith("__"):
            _substitute(value, original, corrected)
