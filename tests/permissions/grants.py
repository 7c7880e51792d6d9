"""What a function's role is granted, one action on one resource at a time, and how that is taken away for a while."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

_NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}
"""What stands for no statement at all, which IAM does not take."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource, by however many of a policy's statements."""

    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Policy:
    """The managed policy of a function's role, as it is deployed."""

    iam: Any
    """The administrator's client of IAM."""
    arn: str
    document: Document

    @classmethod
    def of(cls, iam: Any, role: str) -> Policy:
        """Read the only policy of a role."""
        [attached] = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return cls(iam=iam, arn=arn, document=document)

    def grants(self) -> Counter[Grant]:
        """Everything that the policy allows, and by how many statements each."""
        return Counter(grant for statement in self._statements("Allow") for grant in _grants(statement))

    @contextmanager
    def without(self, *grants: Grant) -> Iterator[None]:
        """The role does without these grants for as long as the block lasts: another version of its policy holds."""
        left = [
            {**statement, "Action": grant.action, "Resource": grant.resource}
            for statement in self._statements("Allow")
            for grant in _grants(statement)
            if grant not in grants
        ]
        with self._being([*left, *self._statements("Deny")]):
            yield

    @contextmanager
    def denying(self, action: str) -> Iterator[None]:
        """Each Deny of the policy names one action more for as long as the block lasts."""
        wider = [{**denial, "Action": [*_listed(denial["Action"]), action]} for denial in self._statements("Deny")]
        with self._being([*self._statements("Allow"), *wider]):
            yield

    def _statements(self, effect: str) -> list[Document]:
        return [statement for statement in self.document["Statement"] if statement["Effect"] == effect]

    @contextmanager
    def _being(self, statements: list[Document]) -> Iterator[None]:
        self._put({**self.document, "Statement": statements or [_NOTHING]})
        try:
            yield
        finally:
            self._put(self.document)

    def _put(self, document: Document) -> None:
        """Make this the policy's document. IAM keeps five versions at most; the others go."""
        self.iam.create_policy_version(PolicyArn=self.arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
        for version in self.iam.list_policy_versions(PolicyArn=self.arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.iam.delete_policy_version(PolicyArn=self.arn, VersionId=version["VersionId"])


def _grants(statement: Document) -> list[Grant]:
    """What a statement allows."""
    return [
        Grant(action=action, resource=resource)
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def _listed(element: str | list[str]) -> list[str]:
    return [element] if isinstance(element, str) else element
