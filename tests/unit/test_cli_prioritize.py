"""Files of tasks in every format and with every fault; the ranking as a person and as a program sees it."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from rich.console import Console

from memebattle.cli import cache
from memebattle.cli.cache import KINDS
from memebattle.cli.output import Problem
from memebattle.cli.prioritize import prioritize
from memebattle.cli.prioritize_local import score_here
from memebattle.cli.prioritize_reading import parse, read_tasks
from memebattle.cli.prioritize_table import emit_all, ranked, show
from memebattle.priority.messages import PriorityError, PriorityRequest, PriorityResult, ScoringModel
from memebattle.store.documents import PREFIXES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "examples" / "tasks.csv"
ONE = '{"title": "one", "category": "support"}'
TWO = '{"title": "two", "category": "support"}'


def titles(text: str, suffix: str = "") -> list[str]:
    found = parse("file", text.encode(), suffix)
    assert found.faults == []
    return [request.title for request in found.requests]


def faults(text: str, suffix: str = "") -> list[str]:
    return parse("file", text.encode(), suffix).faults


def sample(model: ScoringModel = "weighted") -> list[PriorityResult]:
    return ranked(score_here(request, NOW, model) for request in read_tasks(str(SAMPLE)).requests)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", f"[{ONE}, {TWO}]"),
        (".json", f'{{"tasks": [{ONE}, {TWO}]}}'),
        (".jsonl", f"{ONE}\n\n{TWO}\n"),
        (".csv", "title,category\none,support\ntwo,support\n"),
        (".csv", "\ufeffTitle;Category\r\none;Support\r\n\r\ntwo;Support\r\n"),
        ("", f"  \n[{ONE},\n{TWO}]"),
        ("", f"{ONE}\n{TWO}"),
        ("", f'\n{{"tasks":\n [{ONE}, {TWO}]}}'),
        ("", "title\tcategory\none\tsupport\ntwo\tsupport"),
    ],
)
def test_every_format_is_read(suffix: str, text: str) -> None:
    assert titles(text, suffix) == ["one", "two"]


def test_one_object_is_one_task() -> None:
    assert titles(ONE) == titles(json.dumps(json.loads(ONE), indent=2)) == ["one"]


def test_separators_of_unicode_end_no_line() -> None:
    assert titles(f'{{"title": "a\u2028b", "category": "support"}}\n{TWO}') == ["a\u2028b", "two"]


def test_cells_become_fields() -> None:
    """Empty cells are not given, header names are read in any spelling, tags are separated by semicolons."""
    found = parse(
        "file",
        b"ID,Title,category,Requester Role,affected-users-count,risk_level,workaround_available,tags\n"
        b't-1,"a ""quoted"",\ntitle",Support,CEO,12,,no,vpn; mail;\n',
        ".csv",
    )

    (task,) = found.requests
    assert found.faults == []
    assert (task.id, task.title, task.requester_role) == ("t-1", 'a "quoted",\ntitle', "CEO")
    assert (task.affected_users_count, task.risk_level, task.workaround_available) == (12, None, False)
    assert task.tags == ("vpn", "mail")


def test_the_model_of_the_command_line_counts() -> None:
    text = b'[{"title": "a", "category": "support", "model": "rice"}, {"title": "b", "category": "support"}]'

    assert [each.model for each in parse("file", text).requests] == ["rice", None]
    assert [each.model for each in parse("file", text, model="wsjf").requests] == ["wsjf", "wsjf"]


def test_unknown_fields_are_named_once() -> None:
    found = parse("file", b"title,category,colour,\x1b[2J\na,support,red,x\nb,support,blue,y\n", ".csv")

    assert [request.title for request in found.requests] == ["a", "b"]
    assert found.ignored == ["colour", "\u241b[2j"]


def test_every_fault_is_told_with_its_place_and_field() -> None:
    text = (
        "id,title,category,risk_level\n"
        'a b,"two\nlines",support,3\n'
        ",,nonsense,11\n"
        "same,fine,support,\n"
        "same,fine,support,,,\n"
        "same,fine,support,1\n"
    )

    found = faults(text, ".csv")

    assert [each.partition(": ")[0] for each in found] == ["file line 2"] + ["file line 4"] * 3 + [
        "file line 6",
        "file line 7",
    ]
    assert [each.split(": ")[1] for each in found] == [
        "id",
        "title",
        "category",
        "risk_level",
        "6 cells under a header of 4",
        "id",
    ]
    assert found[-1] == "file line 7: id: the same as in line 5"


@pytest.mark.parametrize(
    ("suffix", "text", "told"),
    [
        ("", "", "file: no tasks in it"),
        ("", "title,category\n", "file: no tasks in it"),
        ("", "[]", "file: no tasks in it"),
        ("", "[1]", "file task 1: an object was to come"),
        ("", '{"tasks": 3}', "file: a list of tasks was to come"),
        (".csv", "name,category\na,support", "file: the header names no title"),
        (".csv", "title,category,Title\na,support,b", "file: the header names title twice"),
        (".csv", 'title,category\n"a"b,support', "file line 2: not CSV"),
        (".json", "[{]", "file: not JSON"),
        ("", "[NaN]", "file: not JSON"),
        ("", f"{ONE}\n{{oops}}\n", "file line 2: not JSON"),
        ("", '[{"title": "a"}]', "file task 1: category: Field required"),
    ],
)
def test_what_is_no_task_is_told(suffix: str, text: str, told: str) -> None:
    (fault,) = faults(text, suffix)

    assert fault.startswith(told)


def test_a_broken_line_hides_no_other_fault() -> None:
    assert len(faults('{"title": 1}\n{oops\n{"title": "a"}\n', ".jsonl")) == 4


def test_what_is_no_text_is_told() -> None:
    assert parse("file", b"title,category\n\xff,support").faults == ["file: not UTF-8, from byte 16 on"]


def test_faults_end_the_command_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "tasks.json"
    file.write_text('[{"title": ""}]')

    with pytest.raises(Problem, match="2 faults in ") as caught:
        prioritize(str(file), local=True)

    assert caught.value.code == 2
    assert caught.value.why.count(f"{file} task 1: ") == 2


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ONE.encode())))

    assert [request.title for request in read_tasks("-").requests] == ["one"]


def test_a_file_that_is_not_there_is_a_problem() -> None:
    with pytest.raises(Problem, match="cannot read nowhere") as caught:
        read_tasks("nowhere.csv")
    assert caught.value.code == 2


def test_an_unknown_model_is_wrong_usage() -> None:
    with pytest.raises(Problem, match="--model best is not known") as caught:
        prioritize(str(SAMPLE), model="best", local=True)
    assert caught.value.code == 2


def test_the_sample_is_ranked_by_score() -> None:
    found = sample()
    scores = [result.priority_metrics.final_priority_score for result in found]

    assert len(found) == 12
    assert scores == sorted(scores, reverse=True)
    assert found[0].task.title == "Phishing mail opened on a finance laptop"


def test_scores_are_compared_exactly_and_equal_ones_keep_their_order() -> None:
    first, second = (
        score_here(PriorityRequest(title=title, category="SUPPORT"), NOW, "weighted") for title in "ab"
    )
    row = first.contributions[0]
    nearer = first.model_copy(
        update={
            "contributions": (row.model_copy(update={"points": row.points + 1e-6}), *first.contributions[1:])
        }
    )

    assert ranked([first, second]) == [first, second]
    assert ranked([second, nearer]) == [nearer, second]


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("model", ["weighted", "wsjf", "rice", "eisenhower"])
def test_the_table_fits_80_columns(model: ScoringModel, every: bool) -> None:
    """Nothing is cut off but titles."""
    lines = shown(sample(model), width=80, every=every)
    result = sample(model)[0]

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["score", "level", "task", "SLA", "contributions"]
    ranks = [line.split()[0] for line in lines if line[:2].strip().isdecimal()]
    assert ranks == [str(rank) for rank in range(1, 13)]
    assert f"{result.priority_metrics.final_priority_score:.2f} {result.urgency_level}" in lines[1]
    assert not lines[1].endswith("…")
    assert len([line for line in lines if " x " in line]) == (
        sum(len(each.contributions) for each in sample(model)) if every else 0
    )


def test_a_wide_terminal_shows_whole_titles() -> None:
    text = "\n".join(shown(sample(), width=160))

    assert all(result.task.title in text for result in sample())
    assert max(map(len, text.splitlines())) < 120


def test_the_three_largest_contributions_are_shown_with_their_sign() -> None:
    """Effort costs points: a large loss is as telling as a large gain."""
    task = PriorityRequest(title="a", category="DEVELOPMENT", estimated_effort_hours=4000)

    line = shown([score_here(task, NOW, "wsjf")])[1]

    assert "effort -" in line
    assert len(line.partition("d ")[2].split()) == 6


def test_the_table_tells_whom_to_call_and_by_when() -> None:
    lines = shown(sample())

    assert "HIGH!" in lines[1]
    assert lines[-1].startswith("!: somebody has to be called")
    assert [line.split()[-8:-6] for line in lines[1:3]] == [["2", "h"], ["2.8", "h"]]
    assert not any("!" in line for line in shown(sample()[4:]))


def test_a_title_cannot_command_the_terminal() -> None:
    task = PriorityRequest.model_construct(
        **{
            **PriorityRequest(title="x", category="SUPPORT").model_dump(),
            "title": "a\x1b]0;mine\x07\u202eb[bold]c",
        }
    )

    line = shown([score_here(task, NOW, "weighted")])[1]

    assert "a\u241b]0;mine\u2407\ufffdb[bold]c" in line


def test_json_is_a_result_per_line_in_the_order_of_rank(capsys: pytest.CaptureFixture[str]) -> None:
    error = PriorityError(
        request_id="t", error="stopped", code="cancelled", retryable=False, processed_at=NOW
    )

    emit_all(sample(), [error])

    *told, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each.pop("rank") for each in told] == list(range(1, 13))
    assert [PriorityResult.model_validate(each) for each in told] == sample()
    assert last["code"] == "cancelled"


def test_local_scoring_needs_nobody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:9")
    monkeypatch.setenv("PRIORITY_MODEL", "rice")

    with pytest.raises(typer.Exit) as left:
        prioritize(str(SAMPLE), local=True, json=True)

    assert left.value.exit_code == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["model"] for each in told] == ["rice"] * 12


def shown(results: list[PriorityResult], width: int = 80, *, every: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show(console, results, every=every)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_every_kind_of_document_can_be_cleared() -> None:
    assert {name: f"{KINDS[name].word}:" for name in PREFIXES} == dict(PREFIXES)


@pytest.mark.parametrize("kind", ["claim", "flight", "rate", "*", "pr"])
def test_what_is_no_cache_cannot_be_cleared(kind: str) -> None:
    with pytest.raises(Problem, match="is no cache that can be cleared") as caught:
        cache.clear(kind, yes=True)
    assert caught.value.code == 2


def test_clearing_and_not_clearing_is_wrong_usage() -> None:
    with pytest.raises(Problem, match="contradict"):
        cache.clear("result", dry_run=True, yes=True)
