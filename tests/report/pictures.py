"""Pictures of what the last ``make demo`` left for people: the README's, or with a folder every look of the report.

Without an argument it writes `report.png` and `email.png` beside this file. With a folder it writes there what the
report looks like at 1280 and 390 pixels, light and dark, and in print, to be looked at.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from opening import ROOT, launched
from playwright.sync_api import Browser

_HERE = Path(__file__).parent

# The beginning of the e-mail, as a program shows it that shows plain text.
_EMAIL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 20px 24px; background: #fff; color: #1b1f24; }}
h1 {{ margin: 0 0 14px; padding-bottom: 12px; border-bottom: 1px solid #d0d7de; font: 600 17px sans-serif; }}
pre {{ margin: 0; font: 12.5px/1.45 monospace; }}
</style><h1>{subject}</h1><pre>{text}</pre>"""
_EMAIL_LINES = 42

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
        report, email = _HERE / "report.png", _HERE / "email.png"
        picture(browser, demos[-1].as_uri(), report, height=1010)
        picture(browser, _email(demos[-1].with_name("email.txt")), email, width=1000)
    sizes = {file: file.stat().st_size for file in (report, email)}
    for file, size in sizes.items():
        print(f"{file.relative_to(ROOT)}: {size:,} bytes")
    return 0 if max(sizes.values()) < MAX_BYTES else 1


def _email(file: Path) -> str:
    """The beginning of an e-mail as the address of a page."""
    subject, _, *lines = file.read_text(encoding="utf-8").splitlines()
    text = "\n".join([*lines[:_EMAIL_LINES], "…"])
    page = _EMAIL.format(subject=html.escape(subject.removeprefix("Subject: ")), text=html.escape(text))
    return f"data:text/html;charset=utf-8,{quote(page)}"


def every_look(browser: Browser, report: Path, folder: Path) -> None:
    """Write every look of a report into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        for width in (1280, 390):
            picture(browser, report.as_uri(), folder / f"{width}-{scheme}.png", width=width, scheme=scheme)
    page = browser.new_page()
    page.goto(report.as_uri())
    page.pdf(path=folder / "print.pdf", prefer_css_page_size=True)
    page.close()


def picture(
    browser: Browser,
    address: str,
    file: Path,
    *,
    width: int = 1280,
    height: int | None = None,
    scheme: Literal["light", "dark"] = "light",
) -> None:
    """Write a picture of the page, or of its first pixels."""
    page = browser.new_page(viewport={"width": width, "height": height or 900}, color_scheme=scheme)
    page.goto(address)
    page.screenshot(path=file, full_page=height is None)
    page.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
