"""Values: everything that may be said is described, and everything else is refused with its path.

The schema is read beside values.yaml, in both directions. Then each key is misspelt, given another type, and
deleted, and Helm itself has to say where the fault is.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import yaml

from memebattle import __version__
from memebattle.settings import rows
from tests.chart.rendering import CHART, PRESETS, ROOT, RefusedError, given, lint, merge, refusal, render

VERSIONS = ["1.28.0", "1.31.0", "1.34.0", "1.36.0"]
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

# where the operator chooses the keys; everywhere else they are fixed
FREE = [
    "global",
    "commonLabels",
    "podSecurityContext",
    "securityContext",
    "serviceAccount.annotations",
    "ingress.annotations",
    "gateway.service.annotations",
    "metrics.*.labels",
    "streams.job.resources.requests",
    "streams.job.resources.limits",
    *(
        f"{role}.{key}"
        for role in ("worker", "workflow", "priority", "battle", "gateway")
        for key in (
            "autoscaling.behavior.scaleUp",
            "autoscaling.behavior.scaleDown",
            "resources.requests",
            "resources.limits",
            "podAnnotations",
            "podLabels",
            "nodeSelector",
            "affinity",
        )
    ),
]
# closed, with keys that values.yaml only begins to name
LISTED = ["settings", "*.settings", "secrets.data", "*.resources", "*.autoscaling.behavior"]


@pytest.mark.parametrize("kubernetes", VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
def test_lint_is_silent(preset: str, kubernetes: str) -> None:
    """Strict: a warning is an error."""
    assert lint(preset, kubernetes) == []


def test_the_chart_is_of_this_version() -> None:
    """The tag of the image, when none is given, is the version of the package in it."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["appVersion"] == chart["version"] == __version__
    assert chart["kubeVersion"] == ">=1.28.0-0"
    assert "dependencies" not in chart


# ------------------------------------------------------------------------------------ the schema is whole


def node(path: str) -> dict[str, Any]:
    """What the schema says about a path; a reference is followed."""
    found = SCHEMA
    for key in path.split(".") if path else ():
        found = found["properties"][key]
        if reference := found.get("$ref"):
            found = SCHEMA["definitions"][reference.rpartition("/")[2]]
    return found


def maps(path: str = "") -> Iterator[str]:
    """Every path in the schema that is a map."""
    found = node(path)
    if found.get("type") == "object":
        yield path
        if not any(fnmatchcase(path, pattern) for pattern in LISTED[:3]):
            for key in found.get("properties", ()):
                yield from maps(f"{path}.{key}" if path else key)


def is_free(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in FREE)


@cache
def leaves() -> Mapping[str, Any]:
    """Every fixed key of values.yaml with its default; a map of free keys is one."""
    return dict(_leaves(VALUES, ""))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value and not is_free(path):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def test_only_these_maps_take_any_key() -> None:
    opened = {path for path in maps() if node(path).get("additionalProperties") is not False}

    assert [path for path in opened if not is_free(path)] == []
    assert [pattern for pattern in FREE if not any(fnmatchcase(path, pattern) for path in opened)] == []


def test_the_schema_knows_the_keys_of_the_values_and_no_others() -> None:
    """In both directions, at every level."""
    differing = {
        path: node(path)["properties"].keys() ^ _values_at(path).keys()
        for path in maps()
        if not is_free(path) and not any(fnmatchcase(path, pattern) for pattern in LISTED)
    }

    assert {path: keys for path, keys in differing.items() if keys} == {"": {"global"}}
    assert len(leaves()) > 150


def test_every_fixed_key_is_of_the_type_of_its_default() -> None:
    """Nothing is described by its name alone."""
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    typed = {path: node(path).get("type") for path in leaves()}

    assert {
        path: kind
        for path, kind in typed.items()
        if kinds[type(leaves()[path])] not in ([kind] if isinstance(kind, str) else kind or [])
    } == {}


def _values_at(path: str) -> dict[str, Any]:
    found = VALUES
    for key in path.split(".") if path else ():
        found = found[key]
    return found


def at(path: str, value: object) -> dict[str, Any]:
    """Values with one thing in them."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value  # type: ignore[return-value]


def all_of(faults: Mapping[str, object]) -> dict[str, Any]:
    """Values with many."""
    values: dict[str, Any] = {}
    for path, value in faults.items():
        values = merge(values, at(path, value))
    return values


# Helm compiles the schema anew for each question, so a section is asked about as a whole
SECTIONS = sorted(VALUES)


def of(section: str) -> dict[str, Any]:
    return {path: value for path, value in leaves().items() if path.partition(".")[0] == section}


def complaints(values: Mapping[str, Any]) -> dict[str, str]:
    """What Helm says about which path."""
    found: dict[str, str] = defaultdict(str)
    for path, said in re.findall(r"- at '(.*?)': (.*)", refusal(values)):
        found[path.removeprefix("/").replace("/", ".")] += f"{said}\n"
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_a_misspelt_key_is_refused(section: str) -> None:
    """Each fixed key with its last letter doubled, at every level."""
    said = complaints(all_of({f"{path}{path[-1]}": value for path, value in of(section).items()}))

    for path in of(section):
        parent, _, key = path.rpartition(".")
        assert re.search(f"additional properties .*'{key}{key[-1]}'", said[parent]), path


@pytest.mark.parametrize("section", SECTIONS)
def test_another_type_is_refused(section: str) -> None:
    """A number in quotes, a text for a truth, a list for a map."""
    wrong: dict[type, object] = {bool: "true", int: "5", str: 5, list: {"a": 1}, dict: ["a"]}
    said = complaints(all_of({path: wrong[type(value)] for path, value in of(section).items()}))

    assert [path for path in of(section) if not re.search("got .*, want|does not match", said[path])] == []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_deleted_key_is_refused(section: str) -> None:
    """`null` takes a default away; templates would read it as empty, and nobody would know."""
    needed = [path for path in of(section) if not any(fnmatchcase(path, f"{each}.*") for each in LISTED)]
    said = complaints(all_of(dict.fromkeys(needed)))

    for path in needed:
        parent, _, key = path.rpartition(".")
        assert re.search(f"missing propert.*'{key}'", said[parent]), path


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (
            "worker.autoscaling.mode=kedaa",
            "/worker/autoscaling/mode': value must be one of 'keda', 'hpa', 'none'",
        ),
        ("gateway.autoscaling.mode=keda", "/gateway/autoscaling/mode': value must be one of 'hpa', 'none'"),
        ("worker.autoscaling.minReplicas=-1", "/worker/autoscaling/minReplicas': minimum: got -1, want 0"),
        ("worker.autoscaling.maxReplicas=0", "/worker/autoscaling/maxReplicas': minimum: got 0, want 1"),
        ("worker.concurrency=0", "/worker/concurrency': minimum: got 0, want 1"),
        ("worker.autoscaling.lagThreshold=0", "/worker/autoscaling/lagThreshold': minimum: got 0, want 1"),
        ("gateway.service.port=70000", "/gateway/service/port': maximum: got 70,000, want 65,535"),
        ("gateway.service.type=ExternalName", "/gateway/service/type': value must be one of"),
        ("image.digest=latest", "/image/digest': 'latest' does not match pattern"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy': value must be one of"),
        ("nats.accountID=APP", "/nats/accountID': 'APP' does not match pattern"),
        ("streams.memes.stream=MEMES.ALL", "/streams/memes/stream': 'MEMES.ALL' does not match pattern"),
        ("nats.websocketUrl=nats://x", "/nats/websocketUrl': 'nats://x' does not match pattern"),
        ("tracing.endpoint=collector:4318", "/tracing/endpoint': 'collector:4318' does not match pattern"),
        ("metrics.podMonitor.interval=15", "/metrics/podMonitor/interval': got number, want string"),
        ("settings.CACHE_TLL=600", "/settings': additional properties 'CACHE_TLL' not allowed"),
        ("settings.CACHE_TTL=soon", "/settings/CACHE_TTL': 'soon' does not match pattern"),
        ("settings.CACHE_TTL=-1", "/settings/CACHE_TTL': minimum: got -1, want 0"),
        ("settings.IMAGE_PROVIDER=dalle", "/settings/IMAGE_PROVIDER': value must be one of"),
        ("worker.settings.LOG_LEVEL=LOUD", "/worker/settings/LOG_LEVEL': value must be one of"),
        ("secrets.data.HF_TOKEN=x", "/secrets/data': additional properties 'HF_TOKEN' not allowed"),
        ("worker.extraEnv[0].value=x", "/worker/extraEnv/0': missing property 'name'"),
        ("wroker.enabled=false", "at '': additional properties 'wroker' not allowed"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_path(values: str, fault: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(given(values))

    assert fault in str(refused.value)


# ------------------------------------------------------------------------------------ labels that are ours


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"commonLabels": {"app.kubernetes.io/name": "x"}}, "commonLabels"),
        ({"worker": {"podLabels": {"app.kubernetes.io/component": "x"}}}, "podLabels"),
        ({"worker": {"podLabels": {"app": "x"}}}, "podLabels"),
        ({"gateway": {"podAnnotations": {"checksum/config": "x"}}}, "podAnnotations"),
    ],
)
def test_labels_of_the_chart_cannot_be_written_a_second_time(values: dict[str, Any], fault: str) -> None:
    """Two lines for one key are no YAML; and a selector must not be changed."""
    with pytest.raises(RefusedError) as refused:
        render(values)

    assert fault in str(refused.value)


# ------------------------------------------------------------------------------------ what is written down


@pytest.fixture(scope="module")
def documents() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chart_docs", ROOT / "scripts" / "write-chart-docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_schema_and_the_readme_are_up_to_date(documents: ModuleType) -> None:
    """`make chart-docs` writes them from values.yaml and from the settings."""
    readme = (CHART / "README.md").read_text(encoding="utf-8")

    assert (CHART / "values.schema.json").read_text(encoding="utf-8") == documents.schema()
    assert readme == documents.filled(readme)


def test_the_readme_explains_every_value() -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    lines = [line for line in readme.splitlines() if line.startswith("| `")]
    cells = {line.split("`")[1]: line.rstrip("| ").rpartition("| ")[2] for line in lines}
    shown = set(cells) | {path.rpartition(".")[0] for path in leaves()}

    assert [path for path in leaves() if path not in cells and not _within(path, cells)] == []
    assert [path for path in cells if path not in shown] == []
    assert [path for path, meaning in cells.items() if len(meaning) < 8] == []


def _within(path: str, shown: Mapping[str, str]) -> bool:
    """A map may be one line, e.g. `worker.resources`."""
    parent = path.rpartition(".")[0]
    return bool(parent) and (parent in shown or _within(parent, shown))


def test_every_variable_is_in_the_schema() -> None:
    """With its meaning, or with what to set instead."""
    described = SCHEMA["definitions"]["settings"]["properties"]

    assert described.keys() == {row.name for row in rows()}
    assert [name for name, found in described.items() if not found["description"]] == []
