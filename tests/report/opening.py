"""One browser for all tests, and the reports that it opens."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from browser import AXE, executable
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")

MADE_UP = ("empty", "one", "many", "hostile", "partial")
"""The scans of `functions/write-html-report/examples/made_up_reports.rs`."""

REPORTS = (*MADE_UP, "deployed")
"""The made-up ones, and the sample account's from the deployed system."""

_BUILD = "build it with `cargo build --workspace --all-targets`, or run `make test-report`"


@dataclass(frozen=True)
class Report:
    """A report as a file of HTML and as one of JSON."""

    html: Path
    json: dict[str, Any]


@dataclass
class Opened:
    """A report that is open in the browser."""

    page: Page
    report: Report
    complaints: list[str] = field(default_factory=list)
    """What the page wrote to the console, threw, or asked the network for."""

    def axe(self) -> list[str]:
        """What axe-core finds, by rule and element."""
        # Of the page's own script nothing may be changed, so its policy does not let another one in: it comes as the
        # developer tools' own.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"][:3]]

    def listen(self) -> None:
        """Note from now on what the page complains of and asks for."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._catch)
        self.page.on("request", self._see)
        self.page.on("dialog", self._dismiss)

    def _hear(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")

    def _catch(self, error: Error) -> None:
        self.complaints.append(f"thrown: {error}")

    def _see(self, asked: Request) -> None:
        if not asked.url.startswith((self.report.html.as_uri(), "data:,")):
            self.complaints.append(f"asked for {asked.url}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Every report, by name."""
    made = tmp_path_factory.mktemp("reports")
    program = TARGET / "debug" / "examples" / "made_up_reports"
    assert program.is_file(), f"{program} is missing: {_BUILD}"
    subprocess.run([program, made], check=True)
    folder = Path(os.environ.get("DEPLOYED_REPORTS") or TARGET / "deployed-reports")
    deployed = sorted(folder.glob("*.html"))
    assert deployed, f"{folder} has no report of the deployed system: run `make test-pipeline`, which leaves them there"
    # The largest is the one of the whole account.
    largest = max(deployed, key=lambda path: path.stat().st_size)
    return {name: _report(made / f"{name}.html") for name in MADE_UP} | {"deployed": _report(largest)}


def _report(html: Path) -> Report:
    return Report(html, json.loads(html.with_suffix(".json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a browser that asks nobody for anything by itself."""
    program, environment = executable()
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--font-render-hinting=none"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=arguments, env={**os.environ, **environment}, headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, reports: dict[str, Report]) -> Iterator[Open]:
    """Opens a report from its file, as somebody does who has saved it."""
    contexts = []

    def opens(
        name: str,
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        javascript: bool = True,
    ) -> Opened:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        it = Opened(context.new_page(), reports[name])
        it.listen()
        it.page.goto(it.report.html.as_uri())
        return it

    yield opens
    for context in contexts:
        context.close()
