"""Pictures of the HTML report of the last ``make demo``: the README's, or with a folder every look of it.

Without an argument it writes `tests/report/report.png`. With a folder it writes there what the page looks like at 1280
and 390 pixels, light and dark, and in print, to be looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from opening import ROOT, launched
from playwright.sync_api import Browser

README = ROOT / "tests" / "report" / "report.png"

MAX_BYTES = 150_000
"""What a picture in a repository may take."""


def main(arguments: list[str]) -> int:
    """Write the pictures; answer with the exit code."""
    demos = sorted(ROOT.glob("out/*/*.html"), key=lambda path: (path.stat().st_size, path.name))
    if not demos:
        print("out/ has no HTML report: run `make demo`", file=sys.stderr)
        return 1
    # The first scan of a demo is the one of all services, and has the largest report.
    with launched() as browser:
        if arguments:
            every_look(browser, demos[-1], Path(arguments[0]))
            return 0
        picture(browser, demos[-1], README, height=1010)
    size = README.stat().st_size
    print(f"{README.relative_to(ROOT)}: {size:,} bytes")
    return 0 if size < MAX_BYTES else 1


def every_look(browser: Browser, report: Path, folder: Path) -> None:
    """Write every look of a report into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        for width in (1280, 390):
            picture(browser, report, folder / f"{width}-{scheme}.png", width=width, scheme=scheme)
    page = browser.new_page()
    page.goto(report.as_uri())
    page.pdf(path=folder / "print.pdf", prefer_css_page_size=True)
    page.close()


def picture(
    browser: Browser,
    report: Path,
    file: Path,
    *,
    width: int = 1280,
    height: int | None = None,
    scheme: Literal["light", "dark"] = "light",
) -> None:
    """Write a picture of the page, or of its first pixels."""
    page = browser.new_page(viewport={"width": width, "height": height or 900}, color_scheme=scheme)
    page.goto(report.as_uri())
    page.screenshot(path=file, full_page=height is None)
    page.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
