"""A Chromium of a pinned version, from the npm registry: ``python browser.py`` unpacks what npm has installed.

The package is meant for AWS Lambda, so it brings the libraries and the fonts that a bare machine lacks. Its own code is
not used: it keeps what it unpacks in the folder for temporary files, where another version would take it for its own.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

HOME = Path(os.environ.get("BROWSER_HOME") or Path(__file__).parents[2] / ".local" / "browser")
"""Where `make setup` has put it."""

_PACKED = HOME / "node_modules" / "@sparticuz" / "chromium" / "bin"
_UNPACKED = HOME / "chromium"
_PROCESSORS = ("x86_64", "AMD64")

AXE = HOME / "node_modules" / "axe-core" / "axe.min.js"
"""axe-core, https://github.com/dequelabs/axe-core."""

_INFLATE = """
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const [from, to] = process.argv.slice(1);
require("node:stream").pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to), (error) => {
  if (error) throw error;
});
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class BrowserMissingError(Exception):
    """There is no browser; the message says what to install."""


def executable() -> tuple[Path, dict[str, str]]:
    """The browser that ``CHROMIUM`` names, or the unpacked one; with its environment."""
    if named := os.environ.get("CHROMIUM"):
        if not (found := shutil.which(named)):
            raise BrowserMissingError(f"CHROMIUM is {named!r}, which is no program; name a Chromium or leave it unset")
        return Path(found), {}
    unpacked = _UNPACKED / "chromium"
    if not unpacked.is_file():
        raise BrowserMissingError(
            f"{unpacked} is missing; run `make setup`, or install a Chromium, such as Debian's package chromium, and "
            "say where it is: CHROMIUM=/usr/bin/chromium"
        )
    return unpacked, {
        "LD_LIBRARY_PATH": str(_UNPACKED / "lib"),
        "FONTCONFIG_FILE": str(_UNPACKED / "fonts.xml"),
    }


def unpack() -> None:
    """Unpack what npm has installed, unless it is for another processor."""
    if platform.machine() not in _PROCESSORS:
        print(f"no Chromium in the npm package for {platform.machine()}: install one, and name it in CHROMIUM")
        return
    shutil.rmtree(_UNPACKED, ignore_errors=True)
    _UNPACKED.mkdir(parents=True)
    for archive in ("al2023.tar", "fonts.tar"):
        _inflate(archive)
        with tarfile.open(_UNPACKED / archive) as content:
            content.extractall(_UNPACKED, filter="data")
        (_UNPACKED / archive).unlink()
    _inflate("chromium")
    (_UNPACKED / "chromium").chmod(0o755)
    fonts = _FONTS.format(fonts=_UNPACKED / "fonts", cache=_UNPACKED / "cache")
    (_UNPACKED / "fonts.xml").write_text(fonts, encoding="utf-8")


def _inflate(name: str) -> None:
    """Inflate a file; Python has no Brotli, and Node, which the AWS CDK needs, has."""
    subprocess.run(["node", "-e", _INFLATE, str(_PACKED / f"{name}.br"), str(_UNPACKED / name)], check=True)


if __name__ == "__main__":
    unpack()
