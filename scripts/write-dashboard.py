"""Write the Grafana dashboard from scripts/dashboard.yaml, which says what there is to see; here is how.

The same source makes the same file, so that a diff shows what changed. With --check it is only compared.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "scripts" / "dashboard.yaml"
TARGET = ROOT / "helm" / "memebattle" / "files" / "dashboards" / "memebattle.json"

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTORS = {
    "{ALL": '{namespace=~"$namespace", instance=~"$instance"',
    "{NAMESPACE": '{namespace=~"$namespace"',
    "{NATS": '{namespace=~"$nats_namespace"',
}
COLUMNS, ABREAST, HEIGHT, STAT_HEIGHT = 24, 4, 8, 4
LAG_THRESHOLDS = {"memes": 5, "chat": 32, "priority": 50}  # as in values.yaml


def dashboard(source: Mapping[str, Any]) -> dict[str, Any]:
    """All of it."""
    return {
        "uid": "memebattle",
        "title": "memebattle",
        "description": "One request, exactly one answer: traffic, scaling, latency, and what they stand on.",
        "tags": ["memebattle"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(_variables())},
        "panels": list(_panels(source["rows"])),
    }


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    yield _labels("namespace", "Namespace", "label_values(memebattle_nats_connected, namespace)")
    instances = 'label_values(memebattle_nats_connected{namespace=~"$namespace"}, instance)'
    yield _labels("instance", "Process", instances)
    yield _labels("nats_namespace", "NATS", "label_values(nats_varz_connections, namespace)")
    for context, threshold in LAG_THRESHOLDS.items():
        name = f"{context}_lag_threshold"
        yield {
            "name": name,
            "label": f"lagThreshold of {context}",
            "type": "constant",
            "query": str(threshold),
        }


def _labels(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panels(rows: list[Any]) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row["title"],
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        top += 1
        for line in _lines(row["panels"]):
            width, height = COLUMNS // len(line), STAT_HEIGHT if line[0].get("kind") == "stat" else HEIGHT
            for place, panel in enumerate(line):
                number += 1
                yield _panel(panel, number, {"x": place * width, "y": top, "w": width, "h": height})
            top += height


def _lines(panels: list[Any]) -> Iterator[list[Any]]:
    """Panels that stand beside each other, on lines of nearly the same number; figures all on one."""
    lines = 1 if panels[0].get("kind") == "stat" else math.ceil(len(panels) / ABREAST)
    longest = math.ceil(len(panels) / lines)
    yield from (list(line) for line in itertools.batched(panels, longest))


def _panel(panel: Mapping[str, Any], number: int, place: Mapping[str, int]) -> dict[str, Any]:
    kind = panel.get("kind", "timeseries")
    return {
        "id": number,
        "type": "stat" if kind == "stat" else "timeseries",
        "title": panel["title"],
        "description": panel["description"],
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _field(panel, kind), "overrides": []},
        "options": _options(kind),
        "targets": [
            _target(letter, *query) for letter, query in zip("ABCDEF", panel["queries"].items(), strict=False)
        ],
    }


def _field(panel: Mapping[str, Any], kind: str) -> dict[str, Any]:
    field: dict[str, Any] = {"unit": panel["unit"], **panel.get("range", {"min": 0})}
    field["color"] = {"mode": "thresholds" if kind == "stat" else "palette-classic"}
    field["thresholds"] = {"mode": "absolute", "steps": _steps(panel.get("thresholds", {}))}
    if kind != "stat":
        bars = {"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}}
        lines = {"drawStyle": "line", "fillOpacity": 10, "stacking": {"mode": "none", "group": "A"}}
        field["custom"] = {"lineWidth": 1, "showPoints": "never", **(bars if kind == "bars" else lines)}
    return field


def _steps(thresholds: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Colours from below; `below` turns them around, for what should be high."""
    colours = [name for name in ("yellow", "red") if name in thresholds]
    if not thresholds.get("below"):
        return [
            {"color": "green", "value": None},
            *({"color": name, "value": thresholds[name]} for name in colours),
        ]
    limits = [thresholds[name] for name in reversed(colours)]
    names = [*reversed(colours), "green"]
    return [{"color": name, "value": value} for name, value in zip(names, [None, *limits], strict=True)]


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {
            "colorMode": "value",
            "graphMode": "area",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _target(letter: str, legend: str, expression: str) -> dict[str, Any]:
    for short, selector in SELECTORS.items():
        expression = expression.replace(short, selector)
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": expression,
        "legendFormat": legend or "__auto",
    }


def written() -> str:
    """The file: two spaces, keys in the order above, characters as they are."""
    return json.dumps(dashboard(yaml.safe_load(SOURCE.read_text())), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write, or with --check only compare."""
    if "--check" in sys.argv[1:]:
        sys.exit(TARGET.read_text() != written())
    TARGET.write_text(written())


if __name__ == "__main__":
    main()
