"""The customer's constraints, and who may do what, as checks that walk every resource of the template."""

from __future__ import annotations

from constraints import (
    encryption,
    functions,
    lifetime,
    names,
    network,
    resource_policies,
    roles,
    storage,
    tags,
    triggers,
)
from constraints.deployment import CONSTRAINTS, Constraint, Deployment

__all__ = [
    "CONSTRAINTS",
    "Constraint",
    "Deployment",
    "encryption",
    "functions",
    "lifetime",
    "names",
    "network",
    "resource_policies",
    "roles",
    "storage",
    "tags",
    "triggers",
]
