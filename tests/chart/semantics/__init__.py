"""What no schema says: rules between the objects of one rendering, and between an object and the cluster.

A schema knows that `targetPort` is a text, not that a container has a port of that name. Each check takes
all objects together and yields its findings, one sentence each; none is what one wants. `CHECKS` lists them,
and a test breaks a rendering once for each, so that none of them sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.chart.pods import Object
from tests.chart.semantics import connections, hardening, naming, references, running, scaling

type Check = Callable[[Sequence[Object]], Iterable[str]]

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for module in (naming, references, running, hardening, scaling, connections)
    for check in module.CHECKS
}


def findings(objects: Sequence[Object]) -> list[str]:
    """Everything that is wrong with these objects, each with the name of its check in front."""
    return [f"{name}: {found}" for name, check in CHECKS.items() for found in check(objects)]
