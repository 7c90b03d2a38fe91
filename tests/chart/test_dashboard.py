"""The dashboard: every panel asks for what there is, says what it shows, and has a place of its own."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from memebattle.kit.metrics import declared
from tests.chart.promql import NATS_EXPORTER, faults, labels_after, metrics_in

ROOT = Path(__file__).parents[2]
FILE = ROOT / "helm" / "memebattle" / "files" / "dashboards" / "memebattle.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
ROWS = [panel for panel in BOARD["panels"] if panel["type"] == "row"]
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}

# Grafana's names of the units that we use
UNITS = {"short", "s", "bytes", "percentunit", "ops", "reqps", "cps"}

# what an operator has no use for on a page: counted for other readers
NOT_SHOWN = {
    "meme_generator_unknown_fields_total",
    "chat_workflow_unknown_fields_total",
    "priority_unknown_fields_total",
    "chat_workflow_core_nats_messages_total",
    "chat_workflow_jetstream_messages_total",
    "chat_workflow_core_skipped_total",
    "chat_active_subscriptions",
    "priority_core_nats_messages_total",
    "priority_jetstream_messages_total",
    "priority_core_skipped_total",
}


def name_of(panel: dict[str, Any]) -> str:
    return str(panel["title"])


def queries(panel: dict[str, Any]) -> list[str]:
    """The expressions of a panel, with a value for each of Grafana's variables."""
    found = [target["expr"] for target in panel["targets"]]
    for name in ("__rate_interval", "__range"):
        found = [each.replace(f"${name}", "5m") for each in found]
    return [re.sub(r"\$(\w+_lag_threshold)\b", "5", each) for each in found]


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_a_panel_asks_for_what_there_is(panel: dict[str, Any]) -> None:
    assert [fault for query in queries(panel) for fault in faults(query)] == []


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_a_legend_uses_labels_that_are_there(panel: dict[str, Any]) -> None:
    for target, query in zip(panel["targets"], queries(panel), strict=True):
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels_after(query)


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_lines_are_told_apart(panel: dict[str, Any]) -> None:
    """What a query groups by stands in its legend; else several lines have one name."""
    legends = [target["legendFormat"] for target in panel["targets"]]
    assert len(set(legends)) == len(legends)
    if panel["type"] == "stat":
        return
    for legend, query in zip(legends, queries(panel), strict=True):
        shown = set(re.findall(r"{{(\w+)}}", legend))
        assert bool(shown) == bool(labels_after(query))


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    field = panel["fieldConfig"]["defaults"]

    assert panel["description"].endswith(".")
    assert field["unit"] in UNITS
    assert field["thresholds"]["steps"][0]["value"] is None
    limits = [step["value"] for step in field["thresholds"]["steps"][1:]]
    assert limits == sorted(limits)


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_data_comes_from_where_the_reader_chose(panel: dict[str, Any]) -> None:
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]

    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


@pytest.mark.parametrize("panel", PANELS, ids=name_of)
def test_our_metrics_are_of_the_chosen_namespace(panel: dict[str, Any]) -> None:
    """Two installations share a Prometheus; only alerts are shown of both."""
    for target in panel["targets"]:
        selectors = re.findall(r"\w+{[^}]*}", target["expr"])
        assert selectors
        assert [
            each for each in selectors if "namespace=~" not in each and not each.startswith("ALERTS")
        ] == []
        spoken = set(re.findall(r"\$(\w+)", target["expr"]))
        assert spoken <= VARIABLES.keys() | {"__rate_interval", "__range"}


def test_rates_fit_the_scrape_interval() -> None:
    """A fixed window is too short for a slow scrape and too long for a short one."""
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]

    assert [each for each in expressions if re.search(r"\b(rate|increase)\([^[]*\[(?!\$__)", each)] == []


def test_every_metric_is_shown_or_left_out_on_purpose() -> None:
    shown = {
        re.sub(r"_(bucket|count|sum)$", "", metric)
        for panel in PANELS
        for query in queries(panel)
        for metric in metrics_in(query)
    }

    assert set(declared()) - shown == NOT_SHOWN
    assert [name for name in NATS_EXPORTER if name not in shown] == []


def test_ids_are_unique() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]

    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_nothing_overlaps_on_the_grid() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    cells = [
        {
            (column, line)
            for column in range(at["x"], at["x"] + at["w"])
            for line in range(at["y"], at["y"] + at["h"])
        }
        for at in places
    ]

    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in places)
    assert not any(one & other for one, other in itertools.combinations(cells, 2))


def test_every_panel_lies_below_its_row() -> None:
    """And every row has panels."""
    kinds = ["row" if panel["type"] == "row" else "panel" for panel in BOARD["panels"]]

    assert [kind for kind, _ in itertools.groupby(kinds)] == ["row", "panel"] * len(ROWS)
    tops = [panel["gridPos"]["y"] for panel in BOARD["panels"]]
    assert tops == sorted(tops)


def test_the_rows_of_an_operator() -> None:
    assert [row["title"] for row in ROWS] == [
        "At a glance",
        "Traffic and answers",
        "Scaling",
        "Latency",
        "Cache",
        "Chat",
        "Priority",
        "Battles",
        "NATS server",
        "Process health",
    ]


def test_the_thresholds_are_those_of_the_chart() -> None:
    values = yaml.safe_load((ROOT / "helm" / "memebattle" / "values.yaml").read_text())
    roles = {"memes": "worker", "chat": "workflow", "priority": "priority"}

    for context, role in roles.items():
        threshold = values[role]["autoscaling"]["lagThreshold"]
        assert VARIABLES[f"{context}_lag_threshold"]["query"] == str(threshold)


def test_the_file_is_what_its_source_makes() -> None:
    """`scripts/write-dashboard.py` writes it, with two spaces and keys in one order."""
    script = ROOT / "scripts" / "write-dashboard.py"

    assert subprocess.run([sys.executable, str(script), "--check"], check=False).returncode == 0


def test_compose_shows_this_dashboard_and_these_alerts() -> None:
    """One source: what Grafana and Prometheus in compose mount are the files of the chart."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    provider = yaml.safe_load((ROOT / "observability/grafana/dashboards.yaml").read_text())["providers"][0]
    source = yaml.safe_load((ROOT / "observability/grafana/datasource.yaml").read_text())["datasources"][0]
    prometheus = yaml.safe_load((ROOT / "observability/prometheus.yml").read_text())
    mounts = [
        volume.split(":")[:2] for name in ("grafana", "prometheus") for volume in compose[name]["volumes"]
    ]

    assert ["./helm/memebattle/files/dashboards", provider["options"]["path"]] in mounts
    assert ["./helm/memebattle/files/alerts.yaml", *prometheus["rule_files"]] in mounts
    assert source["url"] == "http://prometheus:9090"
    assert all((ROOT / host).exists() for host, _ in mounts if host.startswith("./"))
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    assert {
        each["dns_sd_configs"][0]["names"][0] for name, each in jobs.items() if "dns_sd_configs" in each
    } <= set(compose)
