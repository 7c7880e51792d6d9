"""Every grant in every role's policy, taken away from the running system: somebody must notice.

The grants are read from the deployed policies, so that a new one has a case by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from compliance_audit.settings import FUNCTIONS
from grants import Policy
from scenes import SCENES
from system import System
from unchecked import unchecked


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The system, deployed on a local AWS with IAM enforced, after its first scan."""
    with System.deployed() as running:
        yield running


def policy(system: System, owner: str) -> Policy:
    """The policy of a function, or of what else has a role, as it is deployed."""
    return Policy.of(system.client("iam"), system.role(owner))


def mentions(said: str, action: str) -> int:
    """How often an action is named. Amazon SNS has a name of its own for a key that may not be used."""
    found = len(re.findall(rf"\b{action}\b", said))
    return found + said.count("KMSAccessDenied") if action.startswith("kms:") else found


def test_every_role_has_scenes(system: System) -> None:
    pages = system.client("iam").get_paginator("list_roles").paginate()
    ours = {role["RoleName"] for page in pages for role in page["Roles"] if role["RoleName"].endswith(system.name)}
    assert ours == {system.role(owner) for owner in SCENES}
    assert set(SCENES) > set(FUNCTIONS)


@pytest.mark.parametrize("owner", SCENES)
def test_every_grant_is_missed_or_cannot_be(system: System, owner: str, subtests: pytest.Subtests) -> None:
    """Without a grant an error names the action, or what is written or logged does.

    Without all that cannot be checked, everything goes on as usual: what is noticed after all has to leave the list.
    """
    deployed, scenes = policy(system, owner), SCENES[owner]
    usual = [scene(system) for scene in scenes]
    assert not usual or "errorType" not in usual[0], "the scene with most to do fails with the whole policy"
    grants = deployed.grants()
    hidden = [grant for grant in grants if grant.action in unchecked(owner)]
    assert {grant.action for grant in hidden} == set(unchecked(owner)), "the list has what nobody is granted"
    with deployed.without(*hidden):
        for scene, before in zip(scenes, usual, strict=True):
            said = scene(system)
            for grant in hidden:
                assert mentions(said, grant.action) == mentions(before, grant.action), str(grant)
    for grant in grants:
        if grant in hidden:
            continue
        with subtests.test(str(grant)), deployed.without(grant):
            noticed = (
                mentions(scene(system), grant.action) > mentions(said, grant.action)
                for scene, said in zip(scenes, usual, strict=True)
            )
            assert any(noticed), f"nothing that {owner} does says that it misses {grant}"
