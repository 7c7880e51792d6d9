"""The walk in the project's README is the one of the definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from machine import ROOT, Json, definition
from test_definition import scopes

_ASIDE = "NotPlanned"
"""What a service goes through that is not asked for; a diagram without these ways is the better one."""


def diagram() -> tuple[set[tuple[str, str]], Mapping[str, set[str]], set[str]]:
    """The arrows of the README's diagram, what stands in each box, and where arrows from outside lead."""
    source = (ROOT / "README.md").read_text(encoding="utf-8").partition("```mermaid\n")[2].partition("```")[0]
    arrows, boxes, box, entered = set(), {}, "", set()
    for line in source.splitlines()[1:]:
        if begun := re.fullmatch(r"\s*subgraph (\w+)", line):
            box = begun[1]
            boxes[box] = set[str]()
        elif line.strip() == "end":
            box = ""
        elif arrow := re.fullmatch(r"\s*(\w+) -->(?:\|[^|]+\|)? (\w+)", line):
            arrows.add((arrow[1], arrow[2]))
            boxes.get(box, set()).update(arrow.groups())
        elif alone := re.fullmatch(r"\s*(\w+)", line):
            boxes[box].add(alone[1])
        else:
            outside = re.fullmatch(r"\s*\w+\(\[.+\]\) (?:-->|-\.->) (\w+)", line)
            assert outside, line
            entered.add(outside[1])
    return arrows, boxes, entered


def states() -> Mapping[str, Json]:
    """Every state of the machine and of the machines within it."""
    return {name: state for scope in scopes(definition()) for name, state in scope["States"].items()}


def following(state: Json) -> Iterator[str]:
    """What comes after a state when nothing fails. A Map is what it does for an item."""
    if "ItemProcessor" in state:
        yield state["ItemProcessor"]["StartAt"]
        return
    yield from (state[way] for way in ("Next", "Default") if way in state)
    yield from (choice["Next"] for choice in state.get("Choices", ()))


def ways(name: str, named: set[str], every: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """From a state to each that the diagram names, through those that it leaves out."""
    open_ways, seen = list(following(every[name])), set()
    while open_ways:
        passed = open_ways.pop()
        if passed in named:
            yield name, passed
        elif passed not in seen and not passed.endswith(_ASIDE):
            seen.add(passed)
            open_ways.extend(following(every[passed]))


def test_the_readme_shows_every_task_and_every_end() -> None:
    arrows, boxes, entered = diagram()
    shown = {name for arrow in arrows for name in arrow} | {name for box in boxes.values() for name in box} | entered
    every = states()
    must = {
        name
        for name, state in every.items()
        if state["Type"] in ("Task", "Succeed", "Fail") or name in ("ScanDone", "RollbackDone")
    }
    assert must <= shown
    assert shown <= set(every)


def test_the_readme_s_arrows_are_the_machine_s_ways() -> None:
    arrows, boxes, _ = diagram()
    every = states()
    named = {name for arrow in arrows for name in arrow} | set(boxes)
    assert {way for name in named for way in ways(name, named, every)} == arrows


def test_the_readme_s_boxes_hold_what_runs_side_by_side() -> None:
    _, boxes, _ = diagram()
    for box, members in boxes.items():
        parallel = states()[box]
        assert parallel["Type"] == "Parallel"
        within = {
            name
            for branch in parallel["Branches"]
            for scope in scopes(branch)
            for name, state in scope["States"].items()
            if state["Type"] == "Task"
        }
        assert members == within, box
