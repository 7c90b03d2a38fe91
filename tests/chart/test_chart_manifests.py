"""Every object of every preset, held to the schemas of two Kubernetes versions or of its operator."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.chart.pods import Object, title
from tests.chart.rendering import CHART, PRESETS, render
from tests.chart.validity import VERSIONS, faults


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
def test_kubernetes_accepts_every_object(preset: str, version: str) -> None:
    found = [fault for each in render(preset=preset).objects for fault in faults(each, version)]

    assert found == []


@pytest.mark.parametrize("preset", PRESETS)
def test_every_template_that_has_something_to_say_says_it(preset: str) -> None:
    """A document is an object with a kind; a scalar or a list would be dropped silently by some tools."""
    rendering = render(preset=preset)

    assert [each for each in rendering.objects if not {"apiVersion", "kind", "metadata"} <= each.keys()] == []
    assert "<no value>" not in "".join(rendering.text.values())
    assert rendering.notes.strip() != ""


@pytest.mark.parametrize("preset", PRESETS)
def test_the_notes_speak_of_what_is_there(preset: str) -> None:
    """Each command names an object of this very rendering, in its namespace."""
    rendering = render(preset=preset, namespace="memes")
    there = {title(each).lower() for each in rendering.objects}
    kinds = {"deploy": "deployment", "svc": "service"}
    named = re.findall(r"\b(deploy|svc)/([a-z0-9-]+)", rendering.notes)

    assert named != []
    assert [each for each in named if f"{kinds[each[0]]}/{each[1]}" not in there] == []
    assert set(re.findall(r"-n (\S+)", rendering.notes)) == {"memes"}


def test_together_the_presets_render_every_template() -> None:
    """A template that no preset reaches is tested by nobody; validations only ever say no."""
    templates = CHART / "templates"
    files = {path.relative_to(templates).as_posix() for path in templates.rglob("*.yaml")}
    written = {source for preset in PRESETS for source in render(preset=preset).sources}

    assert files - written == {"validations.yaml"}


def trigger(scaled: Object) -> Object:
    found: Object = scaled["spec"]["triggers"][0]["metadata"]
    return found


def endpoint(monitor: Object) -> Object:
    found: Object = monitor["spec"]["podMetricsEndpoints"][0]
    return found


def rule(found: Object) -> Object:
    first: Object = found["spec"]["groups"][0]["rules"][0]
    return first


def backend(route: Object) -> Object:
    found: Object = route["spec"]["rules"][0]["backendRefs"][0]
    return found


@pytest.mark.parametrize(
    ("kind", "change", "fault"),
    [
        (
            "ScaledObject",
            lambda it: trigger(it).pop("account"),
            "is not valid under any of the given schemas",
        ),
        ("ScaledObject", lambda it: trigger(it).update(lagThreshold=5), "5 is not of type 'string'"),
        ("ScaledObject", lambda it: trigger(it).update(lagTreshold="5"), "'lagTreshold' was unexpected"),
        (
            "ScaledObject",
            lambda it: trigger(it).update(useHttps=False),
            "False is not one of ['true', 'false']",
        ),
        ("ScaledObject", lambda it: trigger(it).update(accountID="A" * 56), "is valid under each of"),
        (
            "ScaledObject",
            lambda it: trigger(it).update(natsServerMonitoringEndpoint="http://nats:8222"),
            "does not match",
        ),
        (
            "ScaledObject",
            lambda it: it["spec"].pop("scaleTargetRef"),
            "'scaleTargetRef' is a required property",
        ),
        ("ScaledObject", lambda it: it["spec"].update(minReplicas=0), "'minReplicas' was unexpected"),
        (
            "ScaledObject",
            lambda it: it["spec"]["fallback"].update(behavior="higher"),
            "'higher' is not one of",
        ),
        (
            "ScaledObject",
            lambda it: it["spec"]["triggers"][0].pop("metricType"),
            "'metricType' is a required",
        ),
        ("PodMonitor", lambda it: endpoint(it).update(interval="15"), "'15' does not match"),
        ("PodMonitor", lambda it: endpoint(it).update(port=9090), "9090 is not of type 'string'"),
        ("PodMonitor", lambda it: it["spec"]["selector"].update(labels={}), "'labels' was unexpected"),
        ("PrometheusRule", lambda it: rule(it).update({"for": 5}), "5 is not of type 'string'"),
        ("PrometheusRule", lambda it: rule(it).update(summary="x"), "'summary' was unexpected"),
        ("PrometheusRule", lambda it: it["spec"].update(groups=None), "None is not of type 'array'"),
        ("HTTPRoute", lambda it: it["spec"].update(parentRefs=[]), "[] should be non-empty"),
        ("HTTPRoute", lambda it: backend(it).update(port="http"), "'http' is not of type 'integer'"),
        ("HTTPRoute", lambda it: it["spec"].update(hostnames=["Memes.example"]), "does not match"),
        ("Deployment", lambda it: it["spec"].update(replica=1), "'replica' was unexpected"),
        ("Deployment", lambda it: it["spec"].update(revisionHistoryLimit="5"), "is not of type"),
        ("PodDisruptionBudget", lambda it: it.update(apiVersion="policy/v1beta1"), "Couldn't find schema"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_broken_object_is_refused(
    kind: str, change: Callable[[Object], object], fault: str, version: str
) -> None:
    found = render(preset="everything").copy().all(kind)[0]
    change(found)

    assert [said for said in faults(found, version) if fault in said] != []
