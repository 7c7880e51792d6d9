"""Whether AWS Lambda can start a binary, told from its ELF headers.

A binary that cannot start never answers, CloudFormation neither: it waits for hours. The headers tell it in a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

GLIBC = (2, 34)
"""The version of glibc that `provided.al2023` has, that of Amazon Linux 2023.

https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
"""


@dataclass(frozen=True)
class _Platform:
    machine: str
    """What an ELF header calls the instruction set."""
    loader: str
    """Where glibc has the program that loads dynamically linked binaries."""


# https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html; the loaders are those of the System V ABI's
# supplements for the two processors, as glibc builds them.
_PLATFORMS: Mapping[str, _Platform] = {
    "x86_64": _Platform("EM_X86_64", "/lib64/ld-linux-x86-64.so.2"),
    "arm64": _Platform("EM_AARCH64", "/lib/ld-linux-aarch64.so.1"),
}


def obstacles(binary: Path, architecture: str) -> Iterator[str]:
    """What keeps AWS Lambda from starting a binary on the architecture; nothing if it can start.

    A binary that cannot be read has an obstacle too. Raises OSError for a file that cannot be opened.
    """
    platform = _PLATFORMS[architecture]
    with binary.open("rb") as file:
        try:
            elf = ELFFile(file)
            if elf["e_machine"] != platform.machine:
                yield f"it is for {elf['e_machine']}, and the setting architecture is {architecture}"
            loader = next(
                (each.get_interp_name() for each in elf.iter_segments() if isinstance(each, InterpSegment)), None
            )
            # Linked statically it has none, and needs nothing of the system.
            if loader is None:
                return
            if elf["e_machine"] == platform.machine and loader != platform.loader:
                yield f"it is loaded by {loader}, which provided.al2023 does not have; it has {platform.loader}"
            needed = list(_needed_versions(elf))
        except ELFError as error:
            yield f"it is no ELF file that can be read: {error}"
            return
    too_new = [version for version in needed if not _in_glibc(version)]
    if too_new:
        yield (
            f"it needs {too_new[-1]}, and provided.al2023 has glibc {'.'.join(map(str, GLIBC))}: the system that "
            "it was linked on is newer"
        )
    elif not needed:
        # Every dynamically linked binary has some: without the section there is no telling.
        yield "its headers do not tell which versions of glibc it needs"


def _needed_versions(elf: ELFFile) -> Iterator[str]:
    """The names of the versions of glibc's symbols that a binary needs, the newest last."""
    names = {
        version.name
        for section in elf.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, versions in section.iter_versions()
        for version in versions
        if version.name.startswith("GLIBC_")
    }
    yield from sorted(names, key=lambda name: (_number(name) is None, _number(name) or ()))


def _in_glibc(name: str) -> bool:
    number = _number(name)
    return number is not None and number <= GLIBC


def _number(name: str) -> tuple[int, ...] | None:
    """The version in a name such as `GLIBC_2.34`; None for others, such as `GLIBC_ABI_DT_RELR` of glibc 2.36."""
    found = re.fullmatch(r"GLIBC_([0-9]+(?:\.[0-9]+)*)", name)
    return tuple(map(int, found[1].split("."))) if found else None
