"""Says which of the packaged functions AWS Lambda could not start, before anything is deployed.

Ends with 0 if it can start all of them, with 1 if not, with 2 if the settings are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from compliance_audit.binaries import GLIBC, obstacles
from compliance_audit.context import add_arguments, read_context
from compliance_audit.settings import FUNCTIONS, SettingsError, checked


def main() -> int:
    """Check every function's binary; gives the exit code."""
    parser = argparse.ArgumentParser(description="Say which packaged functions AWS Lambda could not start.")
    add_arguments(parser)
    parser.add_argument(
        "bundles", type=Path, help="the folder that has a folder with a file bootstrap for each function"
    )
    arguments = parser.parse_args()
    try:
        architecture: str = checked(read_context(arguments.context), ["architecture"])["architecture"]
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    found = list(_findings(arguments.bundles, architecture))
    for finding in found:
        print(finding, file=sys.stderr)
    if found:
        print(_advice(architecture), file=sys.stderr)
        return 1
    print(f"{len(FUNCTIONS)} binaries can start on {architecture} with glibc {'.'.join(map(str, GLIBC))}.")
    return 0


def _findings(bundles: Path, architecture: str) -> Iterator[str]:
    for function in FUNCTIONS:
        binary = bundles / function / "bootstrap"
        try:
            for obstacle in obstacles(binary, architecture):
                yield f"{binary}: {obstacle}"
        except OSError as error:
            yield f"{binary}: it cannot be opened: {error.strerror}"


def _advice(architecture: str) -> str:
    triple = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}[architecture]
    glibc = ".".join(map(str, GLIBC))
    return (
        "AWS Lambda could not start these functions, and CloudFormation would wait for their answers for hours. Either "
        f"build on an {architecture} system whose glibc is {glibc} or older, such as Amazon Linux 2023; or "
        "`pip install cargo-zigbuild ziglang` and `make package "
        f'LAMBDA_BUILD="cargo zigbuild --locked" LAMBDA_TARGET={triple}.{glibc}`; or choose the architecture that you '
        "build for with -c architecture=…"
    )


if __name__ == "__main__":
    sys.exit(main())
