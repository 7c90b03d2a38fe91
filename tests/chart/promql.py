"""What an expression of PromQL asks for, and whether what it asks for exists.

The parser checks types (a range where a range belongs, the number of arguments); here the names are checked:
of metrics, and of the labels that are matched, grouped and joined by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import promql_parser as promql
from prometheus_client import CollectorRegistry, ProcessCollector
from promql_parser import AggModifierType, Expr, LabelModifierType

from memebattle.kit.metrics import Metrics

SERIES = ("_total", "_bucket", "_sum", "_count")  # what counters and histograms are scraped as

# what Prometheus adds to whatever it scrapes in compose and through the PodMonitor
TARGET = frozenset({"job", "instance", "namespace", "pod"})

# of prometheus-nats-exporter 0.20.1, as the official chart starts it: -prefix=nats -varz -jsz=all
_SERVER = TARGET | {"server_id"}
_JETSTREAM = _SERVER | {"server_name", "cluster", "domain", "meta_leader", "is_meta_leader"}
_STREAM = _JETSTREAM | {"account", "account_id", "stream_name", "stream_leader", "is_stream_leader"}
_CONSUMER = _STREAM | {"consumer_name", "consumer_leader", "is_consumer_leader"}
NATS_EXPORTER = {
    "nats_varz_connections": _SERVER,
    "nats_varz_slow_consumers": _SERVER,
    "nats_varz_in_msgs": _SERVER,
    "nats_varz_out_msgs": _SERVER,
    "nats_varz_mem": _SERVER,
    "nats_server_total_message_bytes": _JETSTREAM,
    "nats_server_max_storage": _JETSTREAM,
    "nats_server_max_memory": _JETSTREAM,
    "nats_stream_total_messages": _STREAM,
    "nats_stream_total_bytes": _STREAM,
    "nats_consumer_num_pending": _CONSUMER,
    "nats_consumer_num_ack_pending": _CONSUMER,
}
# of Prometheus itself
PROMETHEUS = {"ALERTS": TARGET | {"alertname", "alertstate", "severity", "app", "context"}}


@cache
def known() -> Mapping[str, frozenset[str]]:
    """Every metric that may be asked for, with its labels; histograms as their series."""
    ours, process = Metrics().registry, ProcessCollector(registry=CollectorRegistry())
    declared = {
        name: TARGET | set(collector._labelnames) | ({"le"} if name.endswith("_bucket") else set())  # type: ignore[attr-defined]
        for name, collector in ours._names_to_collectors.items()
        if collector._type == "gauge" or name.endswith(SERIES)  # type: ignore[attr-defined]
    }
    taken = (each.name + ("_total" if each.type == "counter" else "") for each in process.collect())
    return declared | dict.fromkeys(taken, TARGET) | NATS_EXPORTER | PROMETHEUS


def metrics_in(expression: str) -> set[str]:
    """The names of all metrics that are asked for."""
    nodes = _nodes(promql.parse(expression))
    return {str(node.name) for node in nodes if isinstance(node, promql.VectorSelector)}


def faults(expression: str) -> list[str]:
    """What is asked for and does not exist, in words; or why it cannot be parsed."""
    try:
        tree = promql.parse(expression)
    except ValueError as error:
        return [str(error)]
    return list(_faults(tree))


def labels_after(expression: str) -> frozenset[str]:
    """The labels of the result."""
    return _labels(promql.parse(expression))


def _faults(tree: Expr) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, promql.VectorSelector):
            yield from _selector_faults(node)
        elif isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            missing = set(node.modifier.labels) - _labels(node.expr)
            yield from (f"nothing to group by {label}: {node.expr.prettify()}" for label in missing)
        elif isinstance(node, promql.BinaryExpr) and node.modifier and node.modifier.matching:
            joined = set(node.modifier.matching.labels)
            for side in (node.lhs, node.rhs):
                missing = joined - _labels(side)
                yield from (f"nothing to match on {label}: {side.prettify()}" for label in missing)


def _selector_faults(selector: promql.VectorSelector) -> Iterator[str]:
    name = str(selector.name)
    if name not in known():
        yield f"no metric {name}"
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in known()[name]:
            yield f"{name} has no label {matcher.name}"


def _nodes(tree: Any) -> Iterator[Any]:
    """The tree and all its branches, in no order that matters."""
    if isinstance(tree, promql.MatrixSelector):
        yield from _nodes(tree.vector_selector)
        return
    yield tree
    parts = [getattr(tree, name, None) for name in ("expr", "lhs", "rhs")]
    for part in [*parts, *getattr(tree, "args", [])]:
        if isinstance(part, Expr):
            yield from _nodes(part)


def _labels(tree: Any) -> frozenset[str]:
    found = frozenset[str]()
    match tree:
        case promql.VectorSelector():
            found = known().get(str(tree.name), found)
        case promql.MatrixSelector():
            found = _labels(tree.vector_selector)
        case promql.AggregateExpr():
            found = _grouped(tree)
        case promql.BinaryExpr():
            found = _joined(tree)
        case promql.Call():
            found = _called(tree)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            found = _labels(tree.expr)
    return found


def _grouped(tree: promql.AggregateExpr) -> frozenset[str]:
    if str(tree.op) in {"topk", "bottomk"}:
        return _labels(tree.expr)
    if tree.modifier is None:
        return frozenset()
    named = frozenset(tree.modifier.labels)
    return named if tree.modifier.type == AggModifierType.By else _labels(tree.expr) - named


def _joined(tree: promql.BinaryExpr) -> frozenset[str]:
    left, right = _labels(tree.lhs), _labels(tree.rhs)
    if str(tree.op) in {"and", "unless"}:
        return left
    if tree.modifier and tree.modifier.matching:
        named = frozenset(tree.modifier.matching.labels)
        return named if tree.modifier.matching.type == LabelModifierType.Include else left - named
    if not left or not right:  # a number, or a sum over everything
        return left or right
    if str(tree.op) == "or":
        return left & right
    return left


def _called(tree: promql.Call) -> frozenset[str]:
    labels = frozenset[str]().union(*map(_labels, tree.args))
    if tree.func.name == "absent":
        return frozenset(each.name for each in tree.args[0].matchers.matchers)
    return labels - {"le"} if tree.func.name == "histogram_quantile" else labels
