"""The HTML report in a real Chromium: as officers, auditors and engineers open it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from opening import REPORTS, Open, Opened, chromium, opened, reports

NO_FIGURE = "\u2013"
ROOM = 5000
LIMIT = 8 * 1024 * 1024
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


def number(text: str) -> float | None:
    """What a figure on the page says; a dash says that there is none."""
    text = text.strip()
    return None if text == NO_FIGURE else float(text.replace(",", "").removesuffix("%"))


def at(document: Any, pointer: str) -> Any:
    """What a JSON pointer leads to, https://www.rfc-editor.org/rfc/rfc6901."""
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def is_open(finding: dict[str, Any]) -> bool:
    return finding["status"] == "NON_COMPLIANT" and "exception" not in finding


def rows(it: Opened, selector: str = "#by-rule tbody tr") -> list[dict[str, Any]]:
    """The violations that can be seen, in the order of the page."""
    found: list[dict[str, Any]] = it.page.eval_on_selector_all(
        selector,
        """rows => rows.filter((row) => row.checkVisibility()).map((row) => ({
            number: Number(row.id.slice(1)), severity: row.dataset.s.toUpperCase(), service: row.dataset.v,
            change: row.dataset.c, since: row.dataset.t, rule: row.closest("section").id.slice(2),
            name: row.querySelector(".name").textContent, arn: row.querySelector(".arn").textContent,
            text: row.textContent,
        }))""",
    )
    return found


# --- Every report ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_asked_for_and_nothing_complains(opened: Open, name: str) -> None:
    it = opened(name)
    assert it.complaints == []
    assert it.page.title().startswith("Compliance report of account 123456789012")
    assert it.report.html.stat().st_size < LIMIT


@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_is_the_one_of_the_json_report(opened: Open, name: str) -> None:
    it = opened(name)
    figures = it.page.eval_on_selector_all(
        "[data-figure]", "all => all.map((one) => [one.dataset.figure, one.textContent])"
    )
    for pointer, text in figures:
        expected = at(it.report.json, pointer)
        if isinstance(expected, str):
            assert text.strip() == expected, pointer
        else:
            assert number(text) == expected, pointer
    pointers = {pointer for pointer, _ in figures}
    summary = it.report.json["summary"]
    for told in ("/summary/score", "/summary/coverage", "/summary/totals/compliant", "/summary/totals/nonCompliant"):
        assert told in pointers
    assert {f"/summary/violationsBySeverity/{severity}" for severity in SEVERITIES} <= pointers
    assert {f"/summary/byRule/{rule}/compliant" for rule in summary["byRule"]} <= pointers
    controls = sum(len(framework["controls"]) for framework in it.report.json["frameworks"])
    assert len([pointer for pointer in pointers if pointer.endswith("/result")]) == controls
    totals = summary["totals"]
    assert number(it.page.inner_text("#open-violations")) == totals["nonCompliant"] - totals["excepted"]


@pytest.mark.parametrize("name", REPORTS)
def test_every_open_violation_is_listed_or_counted(opened: Open, name: str) -> None:
    it = opened(name)
    violations = Counter((f["ruleId"], f["resource"]["arn"]) for f in it.report.json["findings"] if is_open(f))
    listed = Counter((row["rule"], row["arn"]) for row in rows(it))
    assert listed <= violations
    left = violations.total() - listed.total()
    told = it.page.query_selector("#omitted strong")
    assert (number(told.inner_text()) if told else 0) == left
    if violations.total() <= ROOM:
        assert left == 0
    by_resource = it.page.eval_on_selector_all(
        "#by-resource td:last-child a", "all => all.map((link) => link.getAttribute('href'))"
    )
    assert sorted(by_resource) == sorted(f"#v{row['number']}" for row in rows(it))


@pytest.mark.parametrize("name", REPORTS)
def test_every_link_within_the_page_leads_somewhere(opened: Open, name: str) -> None:
    it = opened(name)
    broken = it.page.eval_on_selector_all(
        "a[href^='#']",
        "all => all.map((a) => a.getAttribute('href')).filter((href) => !document.getElementById(href.slice(1)))",
    )
    assert broken == []
    outside = it.page.eval_on_selector_all("a:not([href^='#'])", "all => all.map((a) => a.href)")
    wrong = [url for url in outside if not re.match(r"https://([a-z0-9-]+\.console|docs)\.aws\.amazon\.com/", url)]
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["empty", "hostile", "partial", "deployed"])
def test_axe_finds_nothing(opened: Open, name: str, scheme: str) -> None:
    assert opened(name, scheme=scheme).axe() == []


def test_axe_finds_nothing_on_a_telephone(opened: Open) -> None:
    assert opened("deployed", width=390).axe() == []


# --- Without a screen of this size, or any --------------------------------------------------------------------------


def words(it: Opened) -> Counter[str]:
    """The words that can be read in the main part, but for those of the tools."""
    text: str = it.page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
            const texts = [];
            while (walker.nextNode()) {
                const parent = walker.currentNode.parentElement;
                if (parent.closest("#tools, #shown, thead, title, desc, caption")) continue;
                if (parent.checkVisibility()) texts.push(walker.currentNode.textContent);
            }
            return texts.join(" ");
        }"""
    )
    return Counter(text.split())


@pytest.mark.parametrize("name", ["hostile", "partial", "deployed"])
def test_print_narrow_screens_and_no_script_lose_nothing(opened: Open, name: str) -> None:
    expected = words(opened(name))
    narrow = opened(name, width=390)
    assert words(narrow) == expected
    wide = narrow.page.evaluate(
        """() => Array.from(document.querySelectorAll("main *")).filter(
            (one) => one.checkVisibility() && !one.closest("pre, svg, .hidden, thead, caption")
                && one.getBoundingClientRect().right > innerWidth + 1
        ).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert wide == [], "reaches over the edge of the screen"
    printed = opened(name)
    printed.page.emulate_media(media="print")
    assert words(printed) == expected
    unscripted = opened(name, javascript=False)
    assert words(unscripted) == expected
    assert not unscripted.page.is_visible("#tools")


def test_a_printed_report_is_dark_on_white_on_every_screen(opened: Open) -> None:
    it = opened("deployed", scheme="dark")
    colours = "() => { const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]; }"
    on_screen = it.page.evaluate(colours)
    it.page.emulate_media(media="print")
    assert it.page.evaluate(colours) == ["rgb(22, 32, 44)", "rgb(255, 255, 255)"]
    assert on_screen == ["rgb(230, 234, 238)", "rgb(18, 23, 29)"]
    assert it.page.pdf(prefer_css_page_size=True).startswith(b"%PDF-")


# --- Filters and sorting --------------------------------------------------------------------------------------------


def test_filters_show_what_they_say(opened: Open) -> None:
    it = opened("many")
    everything = rows(it)
    assert len(everything) == ROOM
    page = it.page

    def shows(left: list[dict[str, Any]]) -> None:
        seen = rows(it)
        assert seen == left
        assert 0 < len(seen) < ROOM
        assert page.inner_text("#shown") == f"{len(left)} of {ROOM} listed violations are shown."
        sections = {row["rule"] for row in left}
        seen_rules = "all => all.filter((one) => one.checkVisibility()).map((one) => one.id.slice(2))"
        assert set(page.eval_on_selector_all(".rule", seen_rules)) == sections

    page.fill("#search", "PAYMENTS-12 team-3")
    shows([row for row in everything if "payments-12" in row["text"] and "team-3" in row["text"]])
    page.fill("#search", "")
    page.uncheck("input[value=critical]")
    page.uncheck("input[value=high]")
    shows([row for row in everything if row["severity"] in ("MEDIUM", "LOW")])
    page.select_option("#change", "NEW")
    shows([row for row in everything if row["severity"] in ("MEDIUM", "LOW") and row["change"] == "NEW"])
    page.click("#tools button[type=reset]")
    assert rows(it) == everything
    assert page.inner_text("#shown") == ""
    page.select_option("#service", "s3")
    assert rows(it) == everything
    page.fill("#search", "nobody has this name")
    assert rows(it) == []
    assert it.complaints == []


def test_sorting_puts_in_order_what_it_says(opened: Open) -> None:
    it = opened("many")
    worst = rows(it)
    ranks = [SEVERITIES.index(row["severity"]) for row in sorted(worst, key=lambda row: row["number"])]
    assert ranks == sorted(ranks)
    for choice, key in (("newest", "since"), ("oldest", "since"), ("resource", "name")):
        it.page.select_option("#sort", choice)
        groups: dict[str, list[str]] = {}
        for row in rows(it):
            groups.setdefault(row["rule"], []).append(row[key])
        firsts = [values[0] for values in groups.values()]
        for values in (firsts, *groups.values()):
            assert values == sorted(values, reverse=choice == "newest"), choice
    it.page.select_option("#sort", "worst")
    assert rows(it) == worst


@pytest.mark.parametrize(("table", "column"), [("#rules-table", 2), ("#by-resource", 3), ("#rules-table", 0)])
def test_columns_are_sorted_by_a_click_and_turned_round_by_another(opened: Open, table: str, column: int) -> None:
    it = opened("deployed")
    cells = "(rows, column) => rows.map((row) => row.cells[column]?.textContent.trim() ?? '')"

    def values() -> list[Any]:
        texts = it.page.eval_on_selector_all(f"{table} tbody tr", cells, column)
        return [number(text) if re.fullmatch(r"[\d,]+", text) else 0 for text in texts] if column else texts

    before = Counter(values())
    button = it.page.locator(f"{table} thead th").nth(column).locator("button")
    button.click()
    once = values()
    button.click()
    twice = values()
    assert Counter(once) == before
    # Numbers begin with the highest, texts with A.
    assert once == sorted(once, reverse=bool(column))
    assert twice == sorted(twice, reverse=not column)
    assert it.page.locator(f"{table} th[aria-sort]").count() == 1


def test_a_link_to_a_violation_that_a_filter_hides_shows_it(opened: Open) -> None:
    it = opened("many")
    it.page.fill("#search", "nobody has this name")
    it.page.click("#by-resource tbody tr:first-child td:last-child a")
    target = it.page.evaluate("location.hash")
    it.page.wait_for_selector(f"{target}:not([hidden])")
    assert it.page.input_value("#search") == ""


# --- What must not happen -------------------------------------------------------------------------------------------


def test_hostile_texts_are_texts(opened: Open) -> None:
    it = opened("hostile")
    it.page.select_option("#sort", "resource")
    it.page.fill("#search", "script")
    assert it.complaints == []
    assert it.page.title().startswith("Compliance report of account")
    assert it.page.eval_on_selector_all("script, img, iframe, h1, main svg[onload]", "all => all.length") == 2
    it.page.fill("#search", "")
    names = {row["name"] for row in rows(it)}
    assert "<script>document.title='taken'</script>" in names
    assert all(character not in it.page.content() for character in "\u202e\u200b\x00\x07")
    assert any("\u27e8U+202E\u27e9" in name for name in names)


def test_the_policy_of_the_page_lets_nothing_else_in(opened: Open) -> None:
    it = opened("one")
    failed: list[str | None] = []
    it.page.on("requestfailed", lambda asked: failed.append(asked.failure))
    it.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken'";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://example.com/pixel.png";
            document.body.append(image);
            document.body.setAttribute("style", "opacity: 0");
        }"""
    )
    it.page.wait_for_function("() => document.querySelector('img').complete")
    assert it.page.title() != "taken"
    assert it.page.evaluate("getComputedStyle(document.body).opacity") == "1"
    refused = [complaint for complaint in it.complaints if "Content Security Policy" in complaint]
    assert len(refused) >= 3, it.complaints
    assert failed == ["csp"]
