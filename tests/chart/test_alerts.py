"""The alerts: every expression asks for what there is, and every alert has a page that says what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from memebattle.bus.declared import declared as declared_streams
from memebattle.cli.app import COMMANDS
from memebattle.generation.ports import ErrorCode
from memebattle.settings import Settings, rows
from tests.chart.promql import faults, labels_after

ROOT = Path(__file__).parents[2]
FILE = ROOT / "helm" / "memebattle" / "files" / "alerts.yaml"
PAGES = ROOT / "architecture" / "runbooks"
VALUES = yaml.safe_load((ROOT / "helm" / "memebattle" / "values.yaml").read_text())
HEADINGS = ["What it means", "Who notices", "Look here", "Do this", "Prevent it"]


@dataclass(frozen=True)
class Rule:
    """One alert."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    duration: str = field(default="0s")

    def __str__(self) -> str:
        return "-".join(filter(None, (self.alert, self.labels.get("context"))))

    def thresholds(self) -> list[tuple[str, float]]:
        """Comparisons with numbers, outermost first."""
        found: list[tuple[str, float]] = []

        def look(node: Any) -> None:
            if isinstance(node, promql.BinaryExpr) and isinstance(node.rhs, promql.NumberLiteral):
                found.append((str(node.op), node.rhs.val))

        promql.walk(promql.parse(self.expr), look)
        return found


def rules() -> list[Rule]:
    groups = yaml.safe_load(FILE.read_text())["groups"]
    return [
        Rule(each["alert"], each["expr"], each["labels"], each["annotations"], each.get("for", "0s"))
        for group in groups
        for each in group["rules"]
    ]


RULES = rules()
NAMES = sorted({rule.alert for rule in RULES})


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_it_asks_for_what_there_is(rule: Rule) -> None:
    assert faults(rule.expr) == []


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_it_says_all_that_is_needed(rule: Rule) -> None:
    assert rule.labels["app"] == "memebattle"
    assert rule.labels["severity"] in {"page", "ticket"}
    assert set(rule.annotations) == {"summary", "description", "runbook"}
    assert rule.annotations["runbook"] == f"architecture/runbooks/{rule.alert}.md"
    assert re.fullmatch(r"\d+[sm]", rule.duration)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_its_words_use_labels_that_it_has(rule: Rule) -> None:
    """Whatever is not there would be an empty place in the sentence."""
    text = " ".join(rule.annotations.values())
    used = set(re.findall(r"\$labels\.(\w+)", text))

    assert used <= labels_after(rule.expr) | rule.labels.keys()
    assert "humanize" in rule.annotations["description"] or "absent(" in rule.expr
    assert set(re.findall(r"{{ (.*?) }}", text)) <= {
        *(f"$labels.{name}" for name in used),
        "$value | humanize",
        "$value | humanizePercentage",
        "$value | humanizeDuration",
    }


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_it_compares_with_a_number(rule: Rule) -> None:
    """An expression without a threshold would fire for everything; a share of one is between 0 and 1."""
    thresholds = rule.thresholds()

    assert thresholds or rule.expr.startswith("absent(")
    if "humanizePercentage" in rule.annotations["description"]:
        assert all(operator == ">" and 0 < number < 1 for operator, number in thresholds)


def test_alerts_are_known_apart() -> None:
    assert len({str(rule) for rule in RULES}) == len(RULES)


def test_a_queue_is_nearly_full_before_it_is() -> None:
    """The number in the rule belongs to the limit that the streams are declared with."""
    settings = Settings()
    queues = {stream for stream, _ in declared_streams(settings).consumers}
    limits = {each.max_msgs for each in declared_streams(settings).streams if each.name in queues}

    assert limits == {100_000}
    assert {rule.thresholds()[0] for rule in RULES if rule.alert == "QueueNearlyFull"} == {(">", 80_000.0)}


def test_the_backlog_is_compared_with_what_the_chart_scales_to() -> None:
    roles = {"memes": "worker", "chat": "workflow", "priority": "priority"}
    scaling = {context: VALUES[role]["autoscaling"] for context, role in roles.items()}

    assert {
        rule.labels["context"]: rule.thresholds()[0][1] for rule in RULES if rule.alert == "BacklogGrowing"
    } == {context: each["maxReplicas"] * each["lagThreshold"] for context, each in scaling.items()}


def test_outcomes_of_providers_are_error_codes() -> None:
    """A code that is renamed would silently never match again."""
    codes = set(ErrorCode.__value__.__args__) | {"ok"}
    named = [re.findall(r'outcome[!=]~"([\w|]+)"', rule.expr) for rule in RULES if "Provider" in rule.alert]

    assert named
    assert {code for found in named for each in found for code in each.split("|")} <= codes


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(["README", *NAMES])


def test_the_index_names_every_page_with_its_severity() -> None:
    index = (PAGES / "README.md").read_text()
    severities = {rule.alert: rule.labels["severity"] for rule in RULES}

    assert dict(re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", index, re.MULTILINE)) == severities


@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_five_questions(name: str) -> None:
    """And the commands in it are those of our command line."""
    text = (PAGES / f"{name}.md").read_text()

    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) < 80
    spoken = set(re.findall(r"^(?:kubectl .* -- )?memebattle (\w[\w-]*)", text, re.MULTILINE))
    assert spoken <= set(COMMANDS)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_what_exists(name: str) -> None:
    """Metrics, variables, and values of the chart; a name that moved would send somebody nowhere at night."""
    text = (PAGES / f"{name}.md").read_text()
    metrics = set(re.findall(r"`((?:meme_generator|chat|priority|memebattle|nats)_[a-z_]+)`", text))
    variables = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text)) - {"REQUEST_ID", "CHAT_CHUNKS"}
    roots = "worker|workflow|priority|gateway|streams|nats|redis|networkPolicy|tracing"
    values = set(re.findall(rf"`((?:{roots})\.[a-z]\w*(?:\.\w+)*)", text))

    assert [fault for each in sorted(metrics) for fault in faults(each)] == []
    assert variables <= {row.name for row in rows()}
    assert [path for path in sorted(values) if not _in_chart(path)] == []


def _in_chart(path: str) -> bool:
    """Whether values.yaml has this key."""
    here = VALUES
    for key in path.split("."):
        if not isinstance(here, dict) or key not in here:
            return False
        here = here[key]
    return True
