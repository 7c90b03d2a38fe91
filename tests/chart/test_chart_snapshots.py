"""The chart renders what it rendered when somebody last looked, and every time the same."""

from __future__ import annotations

import difflib
import tarfile
from pathlib import Path

import pytest

from memebattle import __version__
from tests.chart.rendering import CHART, PRESETS, forget, package, render
from tests.chart.snapshots import COMMAND, CONTENTS, path, snapshot
from tests.chart.snapshots import PRESETS as KEPT


@pytest.mark.parametrize("preset", KEPT)
def test_a_rendering_is_the_one_that_was_looked_at(preset: str) -> None:
    kept = path(preset)
    before = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    difference = list(
        difflib.unified_diff(before, snapshot(preset).splitlines(), "kept", "rendered", "", "", 2)
    )

    assert difference == [], f"if this is meant, `{COMMAND}` keeps it:\n" + "\n".join(difference[:60])


def test_no_snapshot_is_left_over() -> None:
    assert {each.stem for each in path("defaults").parent.iterdir()} == set(KEPT)


def test_the_content_of_files_is_left_out_and_nothing_else() -> None:
    """Each of the two lines is there once, so that what is cut off begins where it should."""
    text = render(preset="everything").text

    assert {
        source: text[source].splitlines().count(line) for source, line in CONTENTS.items()
    } == dict.fromkeys(CONTENTS, 1)


def test_every_rendering_is_the_same() -> None:
    """Maps have no order of their own in templates; one that leaked would restart pods with each upgrade."""
    first = {preset: render(preset=preset).text for preset in PRESETS}
    forget()

    assert {preset: render(preset=preset).text for preset in PRESETS} == first


def test_two_archives_of_the_same_files_are_the_same(tmp_path: Path) -> None:
    here, there = (package(_folder(tmp_path, name)) for name in ("here", "there"))

    assert here.read_bytes() == there.read_bytes()
    assert here.name == there.name == f"memebattle-{__version__}.tgz"


def test_an_archive_holds_what_a_cluster_needs(tmp_path: Path) -> None:
    """And not what is for tests."""
    with tarfile.open(package(tmp_path)) as archive:
        names = {name.removeprefix("memebattle/") for name in archive.getnames()}
    templates = {each.relative_to(CHART).as_posix() for each in (CHART / "templates").rglob("*.*")}

    assert {
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "README.md",
        "files/alerts.yaml",
    } | templates <= names
    assert [name for name in names if name.startswith("ci")] == []


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
