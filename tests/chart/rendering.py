"""The chart as a cluster would receive it: the one module that asks Helm's library.

Everything happens in this process and without a cluster. A rendering is kept and shared by all tests of the
process, so it is read-only by agreement; a test that wants to break something takes a `copy()`.

YAML is read strictly: a key that a template writes twice is a mistake which Kubernetes may or may not see.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

from tests.chart.pods import Object, Pod, Value, environment, pods

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "memebattle"
NAME = "meme-generator"
ROLES = ("worker", "workflow", "priority", "battle", "gateway", "streams")

# every combination of values that the chart ships, and none at all
PRESETS: dict[str, Path | None] = {
    "defaults": None,
    **{path.stem.removesuffix("-values"): path for path in sorted(CHART.glob("ci/*-values.yaml"))},
    **{path.stem: path for path in sorted(CHART.glob("values-*.yaml"))},
}


class RefusedError(Exception):
    """The chart does not accept these values; the message is what its user would read."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """What one `helm install` or `helm upgrade` would send, hooks and tests included.

    `sources` names the template of each object, `text` is what it wrote, `notes` what is said at the end.
    """

    objects: list[Object]
    sources: list[str]
    text: Mapping[str, str]
    notes: str

    @property
    def ours(self) -> list[Object]:
        """Without `extraObjects`, which are the operator's own."""
        return [
            found
            for found, source in zip(self.objects, self.sources, strict=True)
            if source != "extra-objects.yaml"
        ]

    def all(self, kind: str) -> list[Object]:
        """Every object of this kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def only(self, kind: str, name: str) -> Object:
        """The one object of this kind and name.

        Raises:
            AssertionError: with the names there are.
        """
        found = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, (
            f"{len(found)} {kind} {name}; there are {[each['metadata']['name'] for each in self.all(kind)]}"
        )
        return found[0]

    def pod(self, role: str) -> Pod:
        """The pod of a component: worker, workflow, priority, battle, gateway or streams."""
        (found,) = [pod for pod in pods(self.objects) if pod.component == role]
        return found

    def environment(self, role: str) -> dict[str, Value]:
        """What the first container of that pod has in its environment."""
        return environment(self.pod(role), 0, self.objects)

    def copy(self) -> Rendering:
        """The same, free to be changed."""
        return Rendering(copy.deepcopy(self.objects), list(self.sources), dict(self.text), self.notes)


def given(*settings: str) -> dict[str, Any]:
    """Values as `--set` reads them: `given("worker.concurrency=9", "nats.tls.enabled=true")`."""
    values: dict[str, Any] = helm_python.parse_set_string(",".join(settings))
    return values


def render(
    values: Mapping[str, Any] | None = None,
    *,
    preset: str = "defaults",
    values_file: Path | None = None,
    name: str = NAME,
    namespace: str = NAME,
    is_upgrade: bool = False,
    chart: Path = CHART,
) -> Rendering:
    """What Helm makes of the chart, of the values of a preset or file, and of `values` above them.

    Raises:
        RefusedError: the values do not fit the schema, or a template says no.
    """
    file = values_file or PRESETS[preset]
    merged = merge(_values_of(file) if file else {}, values or {})
    return _rendered(chart, json.dumps(merged, sort_keys=True), name, namespace, is_upgrade)


def lint(preset: str, kubernetes: str) -> list[str]:
    """What `helm lint --strict` finds; nothing is what one wants to see."""
    file = PRESETS[preset]
    report = helm_python.lint(CHART, _values_of(file) if file else {}, strict=True, kube_version=kubernetes)
    faults = [f"{each['path']}: {each['error']}" for each in report["messages"] if each["severity"] > 1]
    return faults + [str(each) for each in report["errors"]]


def refusal(values: Mapping[str, Any]) -> str:
    """Why the schema does not accept these values; empty = it does."""
    try:
        _chart(CHART).validate_schema(dict(values))
    except helm_python.HelmValuesError as error:
        return str(error)
    return ""


def package(destination: Path) -> Path:
    """The chart as an archive."""
    return Path(helm_python.package(CHART, destination=destination))


def forget() -> None:
    """Render everything anew from here on."""
    _chart.cache_clear()
    _rendered.cache_clear()


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values over values, as Helm lays them: mappings key by key, everything else as a whole."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(under, value)
        else:
            merged[key] = value
    return merged


# all there is at once: KEDA, HPA and fixed replicas, both routes, policies, monitoring, TLS, traces
FULL = given(
    "workflow.autoscaling.mode=hpa",
    "priority.autoscaling.mode=none",
    "ingress.enabled=true",
    "ingress.tls.enabled=true",
    "nats.websocketUrl=wss://nats.example.org",
    "httpRoute.enabled=true",
    "httpRoute.parentRefs[0].name=public",
    "networkPolicy.enabled=true",
    "metrics.podMonitor.enabled=true",
    "nats.url=tls://nats.messaging.svc.cluster.local:4222",
    "nats.tls.enabled=true",
    "nats.tls.clientSecret=meme-generator-nats-tls",
    "tracing.endpoint=http://otel-collector.observability:4318",
    "redis.existingSecret=redis-address",
    "imagePullSecrets[0]=registry-login",
)


@cache
def _chart(path: Path) -> helm_python.Chart:
    return helm_python.Chart.load(path)


@cache
def _values_of(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = helm_python.values_from_yaml(path.read_text(encoding="utf-8"))
    return values


@cache
def _rendered(path: Path, values: str, name: str, namespace: str, is_upgrade: bool) -> Rendering:
    try:
        files = _chart(path).render(
            json.loads(values),
            name=name,
            namespace=namespace,
            is_upgrade=is_upgrade,
            is_install=not is_upgrade,
        )
    except (helm_python.HelmRenderError, helm_python.HelmValuesError) as error:
        raise RefusedError(str(error)) from None
    return _parsed({path.partition("/templates/")[2]: text for path, text in files.items()})


def _parsed(files: Mapping[str, str]) -> Rendering:
    written = [
        (source, found)
        for source, text in sorted(files.items())
        if source.endswith(".yaml")
        for found in documents(text)
    ]
    text = {source: text for source, text in sorted(files.items()) if text.strip()}
    return Rendering(
        [found for _, found in written],
        [source for source, _ in written],
        text,
        text.get("NOTES.txt", ""),
    )


def documents(text: str) -> Iterator[Object]:
    """Every object of a YAML stream.

    Raises:
        yaml.YAMLError: also for a key that stands there twice.
    """
    for document in yaml.load_all(text, _StrictLoader):
        if document is not None:
            yield document


class _StrictLoader(yaml.CSafeLoader):
    """Refuses what YAML forbids and PyYAML lets pass."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if twice := _twice(keys):
        raise yaml.constructor.ConstructorError(None, None, f"{twice} stands there twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


def _twice(keys: Sequence[Any]) -> list[Any]:
    return [key for i, key in enumerate(keys) if key in keys[:i]]


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
