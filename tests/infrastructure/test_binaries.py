"""What keeps AWS Lambda from starting a binary, shown on small binaries that the machine's C compiler makes."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from compliance_audit.binaries import obstacles
from compliance_audit.settings import FUNCTIONS
from synthesis import ROOT

X86_64, ARM64 = "x86_64", "arm64"
# The System V ABI's numbers of the processors, and the loaders that its supplements name.
MACHINES = {X86_64: 62, ARM64: 183}
LOADERS = {X86_64: "/lib64/ld-linux-x86-64.so.2", ARM64: "/lib/ld-linux-aarch64.so.1"}
MUSL = "/lib/ld-musl-x86_64.so.1"


def linked(
    folder: Path, *versions: str, machine: str = X86_64, loader: str | None = None, static: bool = False
) -> Path:
    """A binary that needs these versions of glibc's symbols, of a library that stands in for it.

    It is never run: the compiler makes it for its own processor, and its header then names the machine.
    """
    compiler = ["cc", "-nostdlib", "-ffreestanding"]
    names = [f"symbol_{number}" for number, _ in enumerate(versions)]
    library, binary = folder / "libstandin.so", folder / "bootstrap"
    nodes = "\n".join(f"{version} {{ {name}; }};" for version, name in zip(versions, names, strict=True))
    (folder / "versions.map").write_text(nodes)
    (folder / "library.c").write_text("\n".join(f"void {name}(void) {{}}" for name in names))
    calls = " ".join(f"{name}();" for name in names)
    declared = "\n".join(f"void {name}(void);" for name in names)
    (folder / "binary.c").write_text(f"{declared}\nvoid _start(void) {{ {calls} }}")
    scripted = f"-Wl,--version-script={folder / 'versions.map'}" if versions else "-Wl,--no-undefined"
    subprocess.run([*compiler, "-shared", "-fPIC", scripted, "-o", library, folder / "library.c"], check=True)
    how = ["-static"] if static else [f"-Wl,--dynamic-linker={loader or LOADERS[machine]}", library]
    subprocess.run([*compiler, "-o", binary, folder / "binary.c", *how], check=True)
    header = bytearray(binary.read_bytes())
    header[18:20] = struct.pack("<H", MACHINES[machine])
    binary.write_bytes(header)
    return binary


STARTS: list[tuple[str, list[str], str]] = [
    ("what Amazon Linux 2023 has", ["GLIBC_2.34"], X86_64),
    ("what is older", ["GLIBC_2.2.5", "GLIBC_2.34"], X86_64),
    # As numbers 2.4 comes before 2.34, as text it does not.
    ("a single digit", ["GLIBC_2.4"], X86_64),
    ("the other architecture", ["GLIBC_2.17"], ARM64),
    ("what is not of glibc", ["GLIBC_2.17", "GCC_4.2.0"], X86_64),
]


@pytest.mark.parametrize(("why", "versions", "architecture"), STARTS)
def test_what_needs_no_newer_glibc_starts(why: str, versions: list[str], architecture: str, tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html"""
    assert list(obstacles(linked(tmp_path, *versions, machine=architecture), architecture)) == [], why


def test_what_is_linked_statically_needs_no_glibc(tmp_path: Path) -> None:
    assert list(obstacles(linked(tmp_path, static=True), X86_64)) == []


DOES_NOT_START: list[tuple[list[str], str, str | None, str, str]] = [
    # Versions, machine, loader, the architecture that is deployed, what is told.
    (["GLIBC_2.34", "GLIBC_2.35"], X86_64, None, X86_64, "needs GLIBC_2.35, and provided.al2023 has glibc 2.34"),
    (["GLIBC_2.39", "GLIBC_2.4"], X86_64, None, X86_64, "needs GLIBC_2.39"),
    (["GLIBC_2.34", "GLIBC_3"], X86_64, None, X86_64, "needs GLIBC_3"),
    # Of binaries with packed relocations, which glibc 2.36 was the first to load:
    # https://sourceware.org/glibc/wiki/Release/2.36
    (["GLIBC_2.34", "GLIBC_ABI_DT_RELR"], X86_64, None, X86_64, "needs GLIBC_ABI_DT_RELR"),
    (["GLIBC_2.17"], X86_64, None, ARM64, "is for EM_X86_64, and the setting architecture is arm64"),
    (["GLIBC_2.17"], ARM64, None, X86_64, "is for EM_AARCH64, and the setting architecture is x86_64"),
    (["GLIBC_2.17"], X86_64, MUSL, X86_64, f"is loaded by {MUSL}, which provided.al2023 does not have"),
    ([], X86_64, None, X86_64, "do not tell which versions of glibc"),
]


@pytest.mark.parametrize(("versions", "machine", "loader", "architecture", "told"), DOES_NOT_START)
def test_what_cannot_start_is_told_with_the_reason(
    versions: list[str], machine: str, loader: str | None, architecture: str, told: str, tmp_path: Path
) -> None:
    [obstacle] = obstacles(linked(tmp_path, *versions, machine=machine, loader=loader), architecture)
    assert told in obstacle


def test_what_is_cut_short_or_no_binary_at_all_is_never_taken_for_one_that_starts(tmp_path: Path) -> None:
    whole = linked(tmp_path, "GLIBC_2.34").read_bytes()
    for length in (0, 4, 20, 63, 64, 200, len(whole) // 2):
        (tmp_path / "cut").write_bytes(whole[:length])
        assert list(obstacles(tmp_path / "cut", X86_64)), length
    (tmp_path / "text").write_text("#!/bin/sh\nexec true\n")
    assert list(obstacles(tmp_path / "text", X86_64))


def check(bundles: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command as `make package` does."""
    command = [sys.executable, str(ROOT / "infrastructure" / "check_binaries.py"), *settings, str(bundles)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def packaged(folder: Path, binary: Path) -> Path:
    """The same binary as every function."""
    for function in FUNCTIONS:
        (folder / "bundles" / function).mkdir(parents=True)
        (folder / "bundles" / function / "bootstrap").write_bytes(binary.read_bytes())
    return folder / "bundles"


def test_functions_that_can_start_are_packaged(tmp_path: Path) -> None:
    ran = check(packaged(tmp_path, linked(tmp_path, "GLIBC_2.34")))
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_function_that_cannot_start_is_named_with_what_to_do(tmp_path: Path) -> None:
    bundles = packaged(tmp_path, linked(tmp_path, "GLIBC_2.34"))
    (tmp_path / "newer").mkdir()
    newer = linked(tmp_path / "newer", "GLIBC_2.38").read_bytes()
    (bundles / "scan-s3" / "bootstrap").write_bytes(newer)
    (bundles / "scan-vpc" / "bootstrap").unlink()
    ran = check(bundles)
    assert ran.returncode == 1
    *found, advice = ran.stderr.splitlines()
    assert [line.partition(": ")[0] for line in found] == [
        str(bundles / function / "bootstrap") for function in ("scan-s3", "scan-vpc")
    ]
    assert "needs GLIBC_2.38" in found[0]
    assert "cannot be opened: No such file" in found[1]
    assert "Amazon Linux 2023" in advice
    assert '`make package LAMBDA_BUILD="cargo zigbuild --locked" LAMBDA_TARGET=x86_64-unknown-linux-gnu.2.34`' in advice


def test_the_architecture_is_the_setting(tmp_path: Path) -> None:
    bundles = packaged(tmp_path, linked(tmp_path, "GLIBC_2.34"))
    refused = check(bundles, "-c", "architecture=arm64")
    assert (refused.returncode, refused.stderr.count("is for EM_X86_64")) == (1, len(FUNCTIONS))
    assert "LAMBDA_TARGET=aarch64-unknown-linux-gnu" in refused.stderr
    assert check(bundles, "-c", "architecture=riscv").returncode == 2
