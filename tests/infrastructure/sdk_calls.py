"""The AWS operations that a function's code calls, read from the Rust sources.

No compiler is asked: who calls whom is told by names. A function's own crate counts as a whole; of the shared crates
only what is called from there, and so on. Too many calls may be found where names are the same, and too few where a
function of a shared crate is handed on by its bare name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session

FUNCTIONS_FOLDER = Path(__file__).resolve().parents[2] / "functions"

# The SDK's crates whose service has another name in botocore.
_IN_BOTOCORE = {"sfn": "stepfunctions"}

_CALLED = re.compile(r"(?:\b(\w+)\s*(?:::\s*<[^()]*>)?\(|::(\w+)\b)")
_STARTED = re.compile(r"\.(\w+)\(\)")
# What may hold a brace that is none: comments, texts, characters.
_OPAQUE = re.compile(r"//[^\n]*|r(#*)\"[\s\S]*?\"\1|\"(?:\\[\s\S]|[^\"\\])*\"|'(?:\\.|[^'\\])'")


@dataclass(frozen=True)
class Call:
    """One call of an AWS operation."""

    service: str
    """Name of the service as the SDK's crate has it, for instance `s3control`."""
    operation: str
    """Name of the operation in AWS's API reference."""
    parameters: frozenset[str]
    """What is given along, in snake case."""


def calls(function: str) -> set[Call]:
    """Every call of AWS that the function's code can come to."""
    reached: set[tuple[str, str]] = set()
    waiting = [(function, name) for name in _bodies(function)]
    while waiting:
        at = waiting.pop()
        if at in reached:
            continue
        reached.add(at)
        crate, name = at
        for body in _bodies(crate)[name]:
            called = {first or second for first, second in _CALLED.findall(body)}
            for callee in (crate, *_shared(crate)):
                waiting += [(callee, name) for name in called & set(_bodies(callee))]
    return {call for crate, name in reached for body in _bodies(crate)[name] for call in _calls_in(body, crate)}


def _calls_in(body: str, crate: str) -> Iterator[Call]:
    """An operation's builder is made without arguments, and is given what the operation requires."""
    for started in _STARTED.finditer(body):
        chain = body[started.end() :].partition(";")[0]
        given = frozenset(re.findall(r"\.(?:set_)?(\w+)\(", chain))
        for service in _services(crate):
            operation = _operations(service).get(started[1])
            if operation and operation[1] <= given:
                yield Call(service, operation[0], given)


@cache
def _operations(service: str) -> dict[str, tuple[str, frozenset[str]]]:
    """A service's operations by their name in snake case: the name that AWS gives, and the required parameters."""
    model = botocore.session.Session().get_service_model(_IN_BOTOCORE.get(service, service))
    found = {}
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        required = frozenset(_snake(member) for member in (shape.required_members if shape else []))
        found[_snake(name)] = (name, required)
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


# --- Crates ---------------------------------------------------------------------------------------------------------


@cache
def _dependencies(crate: str) -> tuple[str, ...]:
    return tuple(tomllib.loads((_folder(crate) / "Cargo.toml").read_text())["dependencies"])


def _services(crate: str) -> list[str]:
    return [name.removeprefix("aws-sdk-") for name in _dependencies(crate) if name.startswith("aws-sdk-")]


def _shared(crate: str) -> list[str]:
    return [name for name in _dependencies(crate) if (FUNCTIONS_FOLDER / "shared" / name).is_dir()]


def _folder(crate: str) -> Path:
    shared = FUNCTIONS_FOLDER / "shared" / crate
    return shared if shared.is_dir() else FUNCTIONS_FOLDER / crate


@cache
def _bodies(crate: str) -> dict[str, list[str]]:
    """The bodies of a crate's functions by name, without tests; methods of several types may have the same name."""
    bodies: dict[str, list[str]] = {}
    for file in sorted((_folder(crate) / "src").rglob("*.rs")):
        if "tests" in (file.stem, *(parent.name for parent in file.parents)):
            continue
        source = _OPAQUE.sub("", file.read_text()).partition("#[cfg(test)]\nmod tests {")[0]
        for found in re.finditer(r"\bfn (\w+)(?:[^{;]|; \d+\])*\{", source):
            bodies.setdefault(found[1], []).append(_braced(source, found.end()))
    return bodies


def _braced(source: str, start: int) -> str:
    """What stands from `start`, just behind an opening brace, to the closing one."""
    depth, end = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(source[end], 0)
        end += 1
    return source[start:end]
