"""What Kubernetes, or the operator whose object it is, would refuse.

Kubernetes' own schemas come from a package, strict: a field that Kubernetes does not know is a mistake. What
KEDA, the Prometheus operator and the Gateway API accept is written by hand in `schemas/`, as narrowly as the
chart uses it; KEDA's own definition lets any text pass in a trigger's metadata, where mistakes are made.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate

from tests.chart.pods import Object, title

# the oldest that the chart promises, and the newest
VERSIONS = ["1.28", "1.36"]
SCHEMAS = {
    schema["properties"]["kind"]["const"]: schema
    for path in sorted(Path(__file__).parent.glob("schemas/*.json"))
    for schema in [json.loads(path.read_text(encoding="utf-8"))]
}


def faults(found: Object, version: str) -> list[str]:
    """Everything that is wrong with this object, one sentence each."""
    return [f"{title(found)}: {fault}" for fault in _faults(json.dumps(found, sort_keys=True), version)]


@cache
def _faults(text: str, version: str) -> list[str]:
    """By its text: presets have most objects in common, and each takes some 20 ms."""
    found = json.loads(text)
    if schema := SCHEMAS.get(found["kind"]):
        validator = jsonschema.Draft202012Validator(schema)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return [error.message]
    return []
