"""A new rule is one command: its file is written and registered, and nothing that is there is touched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from new_rule import KINDS, SOURCE, begin


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the folders of rules."""
    for folder in ("s3", "vpc", "lambda"):
        shutil.copytree(SOURCE / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize(("beginning", "kind"), KINDS.items())
def test_a_rule_is_written_and_registered(source: Path, beginning: str, kind: tuple[str, str, str, str]) -> None:
    rule_id = f"{beginning}answers-at-once"
    folder, resource, check, _ = kind
    file = begin(rule_id, source)
    module = rule_id.replace("-", "_")
    assert file == source / folder / f"{module}.rs"
    text = file.read_text(encoding="utf-8")
    assert f'id: "{rule_id}"' in text
    assert f"Check::{check}(evaluate)" in text
    assert f"fn evaluate(_: &{resource}, _: &Policy)" in text
    before = (SOURCE / folder / "mod.rs").read_text(encoding="utf-8").splitlines()
    after = (source / folder / "mod.rs").read_text(encoding="utf-8").splitlines()
    assert sorted(after) == sorted([*before, f"mod {module};", f"    &{module}::RULE,"])
    modules = [line for line in after if line.startswith("mod ")]
    assert modules == sorted(modules)
    assert after[after.index(f"    &{module}::RULE,") + 1] == "];"


def test_every_kind_of_check_can_be_begun() -> None:
    checks = re.search(r"pub enum Check \{(.*?)\n\}", (SOURCE / "rule.rs").read_text(encoding="utf-8"), re.DOTALL)
    assert checks is not None
    assert {kind[2] for kind in KINDS.values()} == set(re.findall(r"^    (\w+)\(Evaluate", checks[1], re.MULTILINE))


@pytest.mark.parametrize(
    ("rule_id", "told"),
    [
        ("s3_bucket_tagged", "lower-case"),
        ("S3-bucket", "lower-case"),
        ("s3", "lower-case"),
        ("iam-user-mfa-enabled", "lambda-"),
        ("s3-bucket-versioning-enabled", "already"),
    ],
)
def test_what_cannot_be_begun_is_refused_and_changes_nothing(source: Path, rule_id: str, told: str) -> None:
    before = {path: path.read_text(encoding="utf-8") for path in source.rglob("*.rs")}
    with pytest.raises(ValueError, match=told):
        begin(rule_id, source)
    assert {path: path.read_text(encoding="utf-8") for path in source.rglob("*.rs")} == before
