"""What a constraint is: it walks every resource of a synthesized deployment and tells every breach."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from synthesis import Json, target

CONSTRAINTS: list[Constraint] = []
"""Every constraint; importing the package fills the list."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What was chosen, and the template that came of it."""

    template: Json
    """The CloudFormation template."""
    settings: Mapping[str, Any]
    """The CDK context."""

    @property
    def resources(self) -> dict[str, Json]:
        """Every resource by logical id."""
        found: dict[str, Json] = self.template["Resources"]
        return found

    @property
    def suffix(self) -> str:
        """How every name ends."""
        return f"{self.settings['environment']}-{self.settings['environmentSuffix']}"

    def of(self, *kinds: str) -> Iterator[tuple[str, Json]]:
        """The properties of every resource of some types, with its logical id."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] in kinds:
                yield logical_id, resource.get("Properties", {})

    def kind(self, reference: object) -> str:
        """The type of the resource that a property refers to; empty when it refers to none."""
        kind: str = self.resources.get(target(reference), {}).get("Type", "")
        return kind


Check = Callable[[Deployment], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A rule that holds for every resource."""

    name: str
    """For test reports."""
    check: Check
    """Yields a sentence for each breach: the logical id, what is wrong, what is allowed."""
    needs: tuple[str, ...]
    """Resource types without which there is nothing to look at; that is a breach too."""

    def breaches(self, deployment: Deployment) -> Iterator[str]:
        """Every breach."""
        for kind in self.needs:
            if not any(deployment.of(kind)):
                yield f"template: has no {kind}; {self.name} would pass without having looked at anything"
        yield from self.check(deployment)


def constraint(*needs: str) -> Callable[[Check], Constraint]:
    """Make a constraint of a check."""

    def register(check: Check) -> Constraint:
        made = Constraint(name=getattr(check, "__name__", repr(check)), check=check, needs=needs)
        CONSTRAINTS.append(made)
        return made

    return register


def references(value: object) -> Iterator[str]:
    """The logical ids that a value refers to, however deep, each as often as it does."""
    if found := target(value):
        yield found
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def texts(value: object) -> Iterator[str]:
    """Every text of a value, however deep; of dictionaries the values only."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def matches(pattern: str, value: str) -> bool:
    """Whether a policy's pattern, in which `*` stands for any text, covers a value."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value) is not None
