"""Which objects a list or watch is about: a kind, a namespace, and the selectors of the query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tests.chart.kubernetes.resources import Resource
from tests.chart.kubernetes.store import Key, Manifest, Refused, Store

type Condition = Callable[[Manifest], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """Objects of a kind, in one namespace or in all, that meet some conditions."""

    resource: Resource
    namespace: str
    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, resource: Resource, namespace: str, query: Mapping[str, str]) -> Selection:
        """What a query asks for.

        Raises:
            Refused: it has a condition this server does not know.
        """
        labels = [_label(each) for each in _parts(query.get("labelSelector", ""))]
        fields = [_field(each) for each in _parts(query.get("fieldSelector", ""))]
        return cls(resource, namespace, (*labels, *fields))

    def has(self, key: Key, found: Manifest) -> bool:
        """Whether an object is one of them."""
        is_here = key.resource == self.resource and self.namespace in {"", key.namespace}
        return is_here and all(condition(found) for condition in self.conditions)

    def present(self, store: Store) -> list[Manifest]:
        """Those there are now."""
        return [found for key, found in store.objects.items() if self.has(key, found)]


def _parts(text: str) -> Iterable[str]:
    if "(" in text:
        raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", f"no sets in selectors here: {text}")
    return (part.strip() for part in text.split(",") if part.strip())


def _label(condition: str) -> Condition:
    name, sign, value = condition.replace("==", "=").partition("=")
    if not sign:
        return lambda found: name in _labels(found)
    if name.endswith("!"):
        return lambda found: _labels(found).get(name[:-1]) != value
    return lambda found: _labels(found).get(name) == value


def _field(condition: str) -> Condition:
    name, _, value = condition.replace("==", "=").partition("=")
    if name not in {"metadata.name", "metadata.namespace"}:
        raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", f"no field selector {name} here")
    place = name.partition(".")[2]
    return lambda found: found["metadata"].get(place, "") == value


def _labels(found: Manifest) -> Mapping[str, str]:
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels
