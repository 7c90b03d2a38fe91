"""Tasks out of a file: a JSON list, `{"tasks": [...]}`, JSON lines, or CSV whose header names the fields.

Everything is read and checked before anything is done with it, and every fault is told with its place: a
person with 200 rows wants to mend all of them at once. An empty cell of a CSV file is a field that is not
given, and several tags in one cell are separated by semicolons.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pydantic_core
from pydantic import ValidationError

from memebattle.cli.foreign import printable_line
from memebattle.cli.output import USAGE, Problem
from memebattle.priority.messages import PriorityRequest, ScoringModel

STDIN: Final = "-"
DELIMITERS: Final = ",;\t"
NEEDED: Final = ("title", "category")

type Format = Literal["json", "lines", "csv"]

SUFFIXES: Final[Mapping[str, Format]] = {".jsonl": "lines", ".ndjson": "lines", ".csv": "csv"}


class Unreadable(ValueError):
    """What is wrong with the file as a whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """One task before it was checked, and its place: `line 4` or `task 2`; or why there is none."""

    place: str
    fields: object = None
    fault: str = ""


@dataclass(slots=True)
class Tasks:
    """What a file holds. `ignored` are the fields nobody knows, `faults` are for people."""

    requests: list[PriorityRequest] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_tasks(name: str, model: ScoringModel | None = None) -> Tasks:
    """The tasks of a file, or of standard input for `-`; `model` is put in the place of each task's own.

    Raises:
        Problem: the file cannot be read, or holds something that is no task; all faults are named.
    """
    found = parse(_shown(name), _content(name), Path(name).suffix.lower(), model)
    if not found.faults:
        return found
    count = f"{len(found.faults)} faults" if len(found.faults) > 1 else "a fault"
    raise Problem(
        f"{count} in {_shown(name)}; nothing was sent",
        why="\n       ".join(found.faults),
        do="`memebattle prioritize --help` shows an example",
        code=USAGE,
    )


def parse(name: str, content: bytes, suffix: str = "", model: ScoringModel | None = None) -> Tasks:
    """The tasks of this content; its format is that of the suffix, or what its first character says."""
    found = Tasks()
    try:
        rows = list(_rows(content.decode("utf-8-sig"), suffix))
    except UnicodeDecodeError as error:
        found.faults.append(f"{name}: not UTF-8, from byte {error.start + 1} on")
        return found
    except Unreadable as unreadable:
        found.faults.append(f"{name}: {unreadable}")
        return found
    if not rows:
        found.faults.append(f"{name}: no tasks in it")
    for row in rows:
        _check(name, row, model, found)
    found.faults += _repeated(name, rows)
    return found


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise Problem(f"cannot read {_shown(name)}", why=error.strerror or str(error), code=USAGE) from None


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else printable_line(name)


def _rows(text: str, suffix: str) -> Iterator[Row]:
    match SUFFIXES.get(suffix) or _guessed(text):
        case "csv":
            return _csv_rows(text)
        case "lines":
            return _line_rows(text)
        case _:
            return _document_rows(text)


def _guessed(text: str) -> Format:
    """JSON lines are told from a document by their first line, which is an object by itself."""
    first, *more = text.strip().split("\n")
    if not first.startswith(("[", "{")):
        return "csv"
    return "lines" if more and first.startswith("{") and _is_json(first) else "json"


def _is_json(text: str) -> bool:
    try:
        pydantic_core.from_json(text)
    except ValueError:
        return False
    return True


def _document_rows(text: str) -> Iterator[Row]:
    try:
        data = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None
    tasks = data.get("tasks", [data]) if isinstance(data, dict) else data
    if not isinstance(tasks, list):
        raise Unreadable("a list of tasks was to come")
    for number, fields in enumerate(tasks, start=1):
        yield Row(f"task {number}", fields)


def _line_rows(text: str) -> Iterator[Row]:
    # not splitlines(): JSON may hold the separators of Unicode as they are
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            yield Row(place, pydantic_core.from_json(line, allow_inf_nan=False))
        except ValueError as error:
            yield Row(place, fault=f"not JSON: {error}")


def _csv_rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    header: list[str] = []
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if header:
                yield _row(header, cells, f"line {line}")
            else:
                header = _header(cells)
    except csv.Error as error:
        yield Row(f"line {reader.line_num}", fault=f"not CSV: {error}")


def _delimiter(text: str) -> str:
    """What separates most of the header; spreadsheets of some countries write semicolons."""
    header = text.lstrip().partition("\n")[0]
    return max(DELIMITERS, key=header.count)


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    if lacking := [name for name in NEEDED if name not in names]:
        raise Unreadable(f"the header names no {lacking[0]}")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise Unreadable(f"the header names {printable_line(twice[0])} twice")
    return names


def _row(header: list[str], cells: list[str], place: str) -> Row:
    if len(cells) > len(header):
        return Row(place, fault=f"{len(cells)} cells under a header of {len(header)}")
    # a row may be shorter: the cells that are missing are empty
    fields: dict[str, Any] = {
        name: cell for name, cell in zip(header, cells, strict=False) if name and cell.strip()
    }
    if tags := fields.get("tags"):
        fields["tags"] = [tag for tag in tags.split(";") if tag.strip()]
    return Row(place, fields)


def _check(name: str, row: Row, model: ScoringModel | None, found: Tasks) -> None:
    if not isinstance(row.fields, dict):
        found.faults.append(f"{name} {row.place}: {row.fault or 'an object was to come'}")
        return
    known = PriorityRequest.model_fields.keys()
    ignored = (printable_line(str(each)) for each in row.fields if each not in known)
    found.ignored += [each for each in ignored if each not in found.ignored]
    try:
        request = PriorityRequest.model_validate(row.fields)
    except ValidationError as error:
        found.faults += [f"{name} {row.place}: {fault}" for fault in _told(error)]
        return
    found.requests.append(request.model_copy(update={"model": model}) if model else request)


def _told(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, fault["loc"]))
        yield printable_line(f"{place}: {fault['msg']}" if place else fault["msg"])


def _repeated(name: str, rows: Iterable[Row]) -> Iterator[str]:
    """An id names one task and its one result."""
    places: dict[str, str] = {}
    for row in rows:
        named = row.fields.get("id") if isinstance(row.fields, dict) else None
        if isinstance(named, str):
            first = places.setdefault(named, row.place)
            if first != row.place:
                yield f"{name} {row.place}: id: the same as in {first}"
