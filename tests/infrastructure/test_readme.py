"""The README of the infrastructure names the tests that keep each constraint, and the permissions of the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from compliance_audit import destroy, recipients
from synthesis import ROOT

TESTS = ROOT / "tests"


def section(heading: str) -> str:
    """What stands below a heading that begins so."""
    readme = (ROOT / "infrastructure" / "README.md").read_text()
    return readme.partition(f"## {heading}")[2].partition("\n## ")[0]


def rows() -> list[str]:
    """The cells with tests, one for each constraint."""
    lines = section("The customer's constraints").splitlines()
    return [line.split(" | ")[1] for line in lines if line.startswith("| ")][1:]


def named(row: str) -> Iterator[tuple[Path, str]]:
    """Each file or folder that a row names, with each test in it that it names; an empty one for the whole file."""
    file = TESTS
    for name in re.findall("`([^`]+)`", row):
        if "/" in name:
            path, _, test = name.partition("::")
            file = TESTS / ("infrastructure" if path.startswith("constraints/") else "") / path
            yield file, test
        else:
            yield file, name


def test_every_constraint_has_a_test_that_is_there() -> None:
    # The rows of the customer's table, and the scan of our own stack.
    assert len(rows()) == 15
    for row in rows():
        assert list(named(row)), row
        for file, test in named(row):
            assert file.exists(), f"{file} in {row}"
            assert not test or re.search(rf"\b(def|fn) {test}\b", file.read_text()), f"{test} in {file}"


def test_every_permission_that_the_preflight_needs_is_named() -> None:
    source = (ROOT / "infrastructure" / "compliance_audit" / "preflight" / "account.py").read_text()
    # No policy can deny this one.
    read = set(re.findall(r'_read\(\s*"([a-z0-9]+:[A-Z]\w+)"', source)) - {"sts:GetCallerIdentity"}
    assert set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", section("Before a deployment"))) == read


@pytest.mark.parametrize(
    ("heading", "actions"), [("Who gets the alerts", recipients.ACTIONS), ("Taking it down", destroy.ACTIONS)]
)
def test_every_permission_that_a_command_needs_is_named(heading: str, actions: frozenset[str]) -> None:
    assert set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", section(heading))) == set(actions)
