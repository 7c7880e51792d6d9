"""What the Makefile's targets would run, in which order; nothing of it is run."""

from __future__ import annotations

import subprocess

import pytest
from synthesis import ROOT


def would_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The commands of a target, those of the makes that it starts among them."""
    return subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("target", "last"), [("deploy", "cdk deploy "), ("synth", "cdk synth ")])
def test_binaries_are_checked_before_the_cdk_takes_them(target: str, last: str) -> None:
    commands = would_run(target, "SETTINGS=-c architecture=arm64").stdout.splitlines()
    [checked] = [number for number, command in enumerate(commands) if "check_binaries.py" in command]
    [bundled] = [number for number, command in enumerate(commands) if "install -D" in command]
    [taken] = [number for number, command in enumerate(commands) if last in command]
    assert bundled < checked < taken
    assert "-c architecture=arm64" in commands[checked]


def test_another_glibc_and_processor_are_built_for_as_the_advice_says() -> None:
    """cargo-zigbuild takes a version of glibc after the triple, and builds into the folder of the triple alone.

    https://github.com/rust-cross/cargo-zigbuild
    """
    advised = ("LAMBDA_BUILD=cargo zigbuild --locked", "LAMBDA_TARGET=aarch64-unknown-linux-gnu.2.34")
    commands = would_run("package", *advised).stdout
    [built] = [command for command in commands.splitlines() if command.startswith("cargo zigbuild --locked ")]
    assert built.endswith(" --release --target aarch64-unknown-linux-gnu.2.34")
    assert "/aarch64-unknown-linux-gnu/release/$function " in commands
    # This machine's does not know the other processor.
    assert "--strip" not in commands


@pytest.mark.parametrize("target", ["package", "bench", "synth", "deploy"])
def test_what_is_shipped_or_measured_is_built_without_the_command(target: str) -> None:
    """Whatever is built together gets the features that any of it asks for.

    https://doc.rust-lang.org/cargo/reference/resolver.html#features
    """
    commands = would_run(target).stdout.splitlines()
    built = [command for command in commands if command.startswith("cargo ") and "--release" in command]
    assert built
    for command in built:
        assert "--workspace --exclude compliance-audit " in command


def test_nothing_but_the_command_brings_the_credentials_of_people() -> None:
    """Were a function or the benchmark to depend on the command, leaving it out would not leave out its features."""

    def of_people(*packages: str) -> bool:
        tree = [
            "cargo",
            "tree",
            "--locked",
            "--workspace",
            *packages,
            "--edges",
            "features,no-dev",
            "--invert",
            "aws-config",
        ]
        return 'aws-config feature "sso"' in subprocess.check_output(tree, cwd=ROOT, text=True, timeout=60)

    assert of_people()
    assert not of_people("--exclude", "compliance-audit")


def test_an_account_is_scanned_without_what_the_other_targets_install() -> None:
    commands = would_run("--always-make", "scan", "SCAN=--region all").stdout.splitlines()
    assert commands == ["cargo --locked run --package compliance-audit -- scan --out out/scan --region all"]


@pytest.mark.parametrize("approval", ["never", "broadening", "any-change"])
def test_what_the_cdk_asks_about_may_be_chosen(approval: str) -> None:
    """https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-deploy.html"""
    assert f"cdk deploy --require-approval {approval} " in would_run("deploy", f"APPROVAL={approval}").stdout


def test_by_default_the_cdk_asks_about_what_broadens_permissions() -> None:
    assert "cdk deploy --require-approval broadening " in would_run("deploy").stdout


@pytest.mark.parametrize("approval", ["always", "Never", ""])
def test_another_choice_is_refused_before_anything_is_run(approval: str) -> None:
    ran = would_run("deploy", f"APPROVAL={approval}")
    assert ran.returncode == 2
    assert f'APPROVAL is "{approval}"; allowed: never broadening any-change' in ran.stderr
    assert "preflight.py" not in ran.stdout
