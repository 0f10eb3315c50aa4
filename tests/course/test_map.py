"""docs/map.md: every topic has its task or page, and every task its topic."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

from autograder.course import Lecture, load_course

COURSE = load_course(ROOT)
PAGE = ROOT / "docs" / "map.md"
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))


def rows(section: str) -> list[tuple[str, str]]:
    """(topic, where) of a section's table."""
    found = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.M)
    return [row for row in found if row != ("topic", "where")]


def named(where: str, lecture: str) -> set[tuple[str, str]]:
    """(lecture, task) for each name in code; `l07_gpt.Block` names another lecture's."""
    pairs = (re.fullmatch(r"(?:(l\d\d_\w+)\.)?(.+)", name) for name in re.findall("`(.+?)`", where))
    return {(pair[1] or lecture, pair[2]) for pair in pairs if pair}


@pytest.mark.parametrize("lecture", COURSE.lectures, ids=lambda lecture: lecture.id)
def test_every_task_is_on_the_map(lecture: Lecture) -> None:
    """And in the section of its own lecture."""
    section = rows(SECTIONS[lecture.id])
    tasks = {name for _, where in section for of, name in named(where, lecture.id)}
    assert {task.id for task in lecture.tasks} <= tasks


@pytest.mark.parametrize("id", SECTIONS)
def test_what_the_map_names_is_there(id: str) -> None:
    """Each topic has a place; each named task exists, each linked page does."""
    for topic, where in rows(SECTIONS[id]):
        links = re.findall(r"\]\((.+?)\)", where)
        tasks = named(where, id)
        assert links or tasks, topic
        for link in links:
            assert (PAGE.parent / link).is_file(), link
        for lecture, name in tasks:
            assert name in {task.id for task in COURSE.lecture(lecture).tasks}, name


def test_readme_leads_to_it() -> None:
    """The short table of README has every lecture, and a link."""
    readme = (ROOT / "README.md").read_text()
    assert "(docs/map.md)" in readme
    assert set(re.findall(r"\(docs/map\.md#(\w+)\)", readme)) == set(SECTIONS)
    assert set(SECTIONS) == {lecture.id for lecture in COURSE.lectures}
