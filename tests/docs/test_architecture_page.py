"""docs/architecture.md names every folder of the code, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs import lines_picture

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def _rows(heading: str) -> list[str]:
    section = PAGE.split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


def test_every_folder_of_the_code_has_a_line_and_no_other() -> None:
    there = {
        path.parent.relative_to(ROOT).as_posix()
        for root in ("sealer", "controller")
        for path in (ROOT / root).rglob("*.py")
    }
    named = [re.match(r"\| `([^`]+)`", row) for row in _rows("Rooms")]
    assert {found[1] for found in named if found} == there


def test_each_question_is_answered_by_at_most_two_rooms_that_are_there() -> None:
    rows = _rows("Where do I ...")
    assert len(rows) > 10
    for row in rows:
        rooms = re.findall(r"`((?:sealer|controller|charts|tests)/[^`]+)`", row.split("|")[2])
        assert 1 <= len(rooms) <= 2, row
        for room in rooms:
            assert (ROOT / room).exists(), row


def test_the_picture_of_the_lines_is_drawn_from_its_text_and_names_what_is_there() -> None:
    assert lines_picture.PICTURE.read_text() == lines_picture.picture()
    assert "](pictures/lines.svg)" in PAGE
    drawn = lines_picture.lines()
    assert list(drawn) == ["seal", "unseal", "Key Vault"]
    for steps in drawn.values():
        for step in steps:
            assert (ROOT / step.module).is_file(), step


def test_every_module_that_a_line_goes_through_is_there() -> None:
    lines = PAGE.split("## Three straight lines", 1)[1].split("## Rooms", 1)[0]
    for room in re.findall(r"`((?:sealer|controller)/[^`]+\.py)`", lines):
        assert (ROOT / room).is_file(), room


# A file a command, and the modules of Go's template language.
_WIDE = ("sealer/cli", "sealer/template")


def test_no_room_and_no_module_is_larger_than_one_can_look_over() -> None:
    modules = [path for root in ("sealer", "controller") for path in (ROOT / root).rglob("*.py")]
    assert len(modules) > 300
    rooms: dict[str, int] = {}
    for path in modules:
        if not path.name.startswith("__"):
            room = path.parent.relative_to(ROOT).as_posix()
            rooms[room] = rooms.get(room, 0) + 1
    assert {
        room: count for room, count in rooms.items() if count > 14 and not room.startswith(_WIDE)
    } == {}
    assert [path for path in modules if path.read_text().count("\n") > 400] == []
