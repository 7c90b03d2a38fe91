"""Values that are fine one by one and cannot work together are refused with a sentence that says what to do.

Every sentence of `_validations.tpl` is provoked here. The schema says no to some of these values before the
template is asked, so the sentences are read from a copy of the chart without its schema; the chart as it is
has to refuse the same values, one way or the other.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from memebattle.settings import rows
from tests.chart.rendering import CHART, FULL, PRESETS, ROLES, RefusedError, given, refusal, render

TEMPLATE = (CHART / "templates" / "_validations.tpl").read_text(encoding="utf-8")
WORKERS = ("worker", "workflow", "priority")
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

# values as on the command line -> how their one sentence begins
FAULTS: list[tuple[str, str]] = [
    # names
    (
        "fullnameOverride=1memes",
        'The name "1memes" cannot be used for a Service: set fullnameOverride to lower case',
    ),
    (
        f"fullnameOverride={'m' * 46}",
        f'The name "{"m" * 46}" has 46 characters and what is added to it needs 18 of 63',
    ),
    (
        ",".join(f"{role}.enabled=false" for role in (*WORKERS, "battle", "gateway")),
        "Nothing is enabled: set worker.enabled, workflow.enabled, priority.enabled, battle.enabled or",
    ),
    # labels
    (
        "commonLabels.app\\.kubernetes\\.io/name=x",
        "commonLabels.app.kubernetes.io/name belongs to the chart: leave",
    ),
    ("worker.podLabels.app=x", "worker.podLabels.app belongs to the chart: leave it out"),
    (
        "gateway.podLabels.app\\.kubernetes\\.io/component=x",
        "gateway.podLabels.app.kubernetes.io/component belongs to the chart: leave it out",
    ),
    (
        "metrics.podMonitor.labels.app\\.kubernetes\\.io/instance=x",
        "metrics.podMonitor.labels.app.kubernetes.io/instance belongs to the chart: leave it out",
    ),
    (
        "gateway.podAnnotations.checksum/config=x",
        "gateway.podAnnotations.checksum/config belongs to the chart, which restarts pods by it: leave",
    ),
    # NATS and Redis
    (
        "nats.url=nats://worker:pa55@nats:4222",
        "nats.url carries credentials, and a ConfigMap is no place for them",
    ),
    (
        "nats.url=nats://one:4222\\,nats://worker:pa55@two:4222",
        "nats.url carries credentials, and a ConfigMap is no place for them",
    ),
    (
        "nats.tls.enabled=true,nats.url=tls://one:4222\\,nats://two:4222",
        'nats.tls.enabled is true and "nats://two:4222" in nats.url asks for no TLS: begin every address with tls://',
    ),
    (
        "nats.tls.enabled=true,nats.url=tls://nats:4222,nats.tls.caSecret=",
        "nats.tls.enabled is true and nobody's certificates are trusted: name the Secret",
    ),
    (
        "nats.tls.enabled=true,nats.url=tls://nats:4222,nats.tls.caKey=",
        "nats.tls.enabled is true and nobody's certificates are trusted: name the Secret",
    ),
    (
        "nats.auth.existingSecret=",
        "nats.auth.enabled is true and there are no passwords: name their Secret in",
    ),
    ("nats.replicas=2", "nats.replicas is 2, and a majority needs an odd number of copies: set it to 1"),
    ("nats.replicas=7", "nats.replicas is 7, and a majority needs an odd number of copies: set it to 1"),
    ("streams.workflow.stream=MEMES", "Two of streams.memes.stream, streams.workflow.stream and"),
    (
        "redis.url=redis://:pa55@redis:6379",
        "redis.url carries credentials, and a ConfigMap is no place for them",
    ),
    (
        "redis.url=",
        "redis.url is empty: set it, or name a Secret with the key REDIS_URL in redis.existingSecret",
    ),
    ("secrets.create=true", "secrets.create is true and secrets.data is empty: put the tokens there"),
    # scaling
    (
        "battle.replicas=0,battle.autoscaling.mode=none",
        "battle.replicas is 0, and who plays waits for a reply: set it to 1 or more, or battle.enabled to",
    ),
    *(
        (values.format(role=role), sentence.format(role=role))
        for role in WORKERS
        for values, sentence in [
            (
                "{role}.autoscaling.minReplicas=11",
                "{role}.autoscaling.minReplicas is 11 and maxReplicas 10: raise the one or lower the other",
            ),
            (
                "{role}.autoscaling.mode=hpa,{role}.autoscaling.minReplicas=0",
                "{role}.autoscaling.mode is hpa and minReplicas 0, and CPU cannot tell that there is work",
            ),
            (
                "{role}.resources.requests.cpu=null,{role}.autoscaling.minReplicas=1,{role}.autoscaling.mode=hpa",
                "{role}.autoscaling.mode is hpa, which measures in percent of the request: set {role}",
            ),
            ("{role}.concurrency=51", "{role}.concurrency is 51 and {role}.autoscaling.lagThreshold"),
            (
                "{role}.autoscaling.activationLagThreshold=50",
                "{role}.autoscaling.activationLagThreshold is 50 and lagThreshold",
            ),
            (
                "{role}.autoscaling.cooldownPeriod=14",
                "{role}.autoscaling.cooldownPeriod is 14 and pollingInterval 15: replicas would go before",
            ),
        ]
    ),
    (
        "nats.account=",
        "nats.account and nats.accountID are empty, so KEDA would find no stream: set nats.account",
    ),
    (
        "nats.monitoringEndpoint=http://nats-headless.messaging.svc:8222",
        'nats.monitoringEndpoint is "http://nats-headless.messaging.svc:8222": KEDA wants a host and a port',
    ),
    ("nats.monitoringEndpoint=nats-headless.messaging.svc", "nats.monitoringEndpoint is "),
    # the gateway
    (
        "gateway.autoscaling.minReplicas=0",
        "gateway.autoscaling.minReplicas is 0, and event streams are held there",
    ),
    ("gateway.replicas=0", "gateway.replicas is 0, and event streams are held there: set it to 1 or more"),
    (
        "gateway.autoscaling.minReplicas=7",
        "gateway.autoscaling.minReplicas is 7 and maxReplicas 6: raise the one or lower the other",
    ),
    (
        "gateway.resources.requests.cpu=null",
        "gateway.autoscaling.mode is hpa, which measures in percent of the request: set gateway.resources",
    ),
    (
        "gateway.service.nodePort=30080",
        "gateway.service.nodePort is 30080 and the Service has none: set gateway.service.type to NodePort",
    ),
    (
        "gateway.enabled=false,ingress.enabled=true",
        "ingress.enabled or httpRoute.enabled is true and there is no gateway behind it: set gateway.enabled",
    ),
    (
        "httpRoute.enabled=true",
        "httpRoute.enabled is true and it belongs to no gateway of the cluster: name one in",
    ),
    (
        "nats.websocketUrl=,ingress.enabled=true,ingress.tls.enabled=true,ingress.tls.secretName=",
        "ingress.tls.enabled is true and there is no certificate: name its Secret in ingress.tls.secretName",
    ),
    (
        "ingress.enabled=true,ingress.tls.enabled=true,ingress.tls.secretName=page-tls",
        'ingress.tls.enabled is true and nats.websocketUrl "ws://nats.meme-generator.local", which no',
    ),
    # time to finish
    (
        "worker.shutdownGrace=60",
        "HF_TIMEOUT is 60 s and worker.shutdownGrace 60: a stopping worker could not wait",
    ),
    (
        "settings.HF_TIMEOUT=90",
        "HF_TIMEOUT is 90 s and worker.shutdownGrace 75: a stopping worker could not wait",
    ),
    (
        "worker.settings.HF_TIMEOUT=75",
        "HF_TIMEOUT is 75 s and worker.shutdownGrace 75: a stopping worker could",
    ),
    ("gateway.shutdownGrace=15", "CHAT_SEND_TIMEOUT is 15 s and gateway.shutdownGrace 15: a blocked reader"),
    # the bridge to Redis channels
    (
        "settings.LEGACY_REDIS_BRIDGE=true,priority.enabled=false",
        "LEGACY_REDIS_BRIDGE is on and nobody bridges: set",
    ),
    (
        "priority.settings.LEGACY_REDIS_BRIDGE=yes,priority.autoscaling.minReplicas=0",
        "LEGACY_REDIS_BRIDGE is on and priority.autoscaling.minReplicas 0: a sleeping worker bridges nothing",
    ),
    # settings
    ("settings.NATS_STREAM=OTHER", "settings.NATS_STREAM belongs to the chart: set `streams.memes.stream`"),
    ("worker.settings.NATS_URL=nats://x", "worker.settings.NATS_URL belongs to the chart: set `nats.url`"),
    (
        "gateway.settings.ACK_WAIT=60",
        "gateway.settings.ACK_WAIT decides about streams that all roles share: move it",
    ),
]


@pytest.fixture(scope="module")
def without_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as older tools see it."""
    copy = tmp_path_factory.mktemp("chart") / "memebattle"
    shutil.copytree(CHART, copy)
    (copy / "values.schema.json").unlink()
    return copy


@cache
def said(line: str, chart: Path) -> list[str]:
    """The sentences that these values are refused with."""
    with pytest.raises(RefusedError) as refused:
        render(given(line), chart=chart)
    return [each for each in str(refused.value).splitlines() if each][2:]


@pytest.mark.parametrize(("values", "sentence"), FAULTS, ids=[values for values, _ in FAULTS])
def test_it_is_said_in_one_sentence(values: str, sentence: str, without_schema: Path) -> None:
    found = said(values, without_schema)

    assert len(found) == 1, found
    assert found[0].startswith(sentence)


@pytest.mark.parametrize("values", [values for values, _ in FAULTS])
def test_the_chart_as_it_is_refuses_too(values: str) -> None:
    with pytest.raises(RefusedError):
        render(given(values))


def test_two_faults_are_said_at_once(without_schema: Path) -> None:
    """Nobody likes to be told one after the other."""
    found = said("nats.replicas=2,redis.url=,worker.concurrency=9", without_schema)

    assert [each.partition(" ")[0] for each in found] == ["nats.replicas", "redis.url", "worker.concurrency"]


def sentences() -> list[str]:
    """Every line of the template that is neither a comment nor an action."""
    text = re.sub(r"\{\{-? ?/\*.*?\*/ ?-?\}\}", "", TEMPLATE, flags=re.DOTALL)
    return [line for line in text.splitlines() if line and not re.fullmatch(r"(\{\{-? .*?\}\})+", line)]


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_of_the_template_is_provoked(sentence: str, without_schema: Path) -> None:
    """What is between double braces may be anything."""
    parts = re.split(r"\{\{.*?\}\}", sentence)
    pattern = re.compile(".+?".join(map(re.escape, parts)))

    assert any(pattern.fullmatch(found) for values, _ in FAULTS for found in said(values, without_schema))


def test_the_only_fail_is_the_one_that_says_them_all() -> None:
    """A `fail` somewhere else would not be found by these tests."""
    templates = [*(CHART / "templates").rglob("*.yaml"), *(CHART / "templates").rglob("*.tpl")]
    calls = {
        path.name: len(re.findall(r"\b(?:fail|required) ", path.read_text(encoding="utf-8")))
        for path in templates
    }

    assert {name: count for name, count in calls.items() if count} == {"validations.yaml": 1}


@pytest.mark.parametrize("values", [values for values, _ in FAULTS])
def test_each_sentence_names_a_value_and_what_to_do(values: str, without_schema: Path) -> None:
    (found,) = said(values, without_schema)
    paths = re.findall(r"\b[a-z][A-Za-z]*(?:\.[A-Za-z]+)+\b|\bfullnameOverride\b", found)
    advice = r"\b([Ss]et|name|[Rr]aise|[Ll]ower|put|begin|give|move|leave) "

    assert [path for path in paths if _is_value(path)] != []
    assert re.search(advice, re.split(r": |\. ", found, maxsplit=1)[1])
    assert found.endswith(".")


def _is_value(path: str) -> bool:
    found = VALUES
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return found in ({}, None)  # a map with keys of the operator's, e.g. `settings`
        found = found[key]
    return True


@pytest.mark.parametrize(
    "values",
    [
        f"fullnameOverride={'m' * 45}",
        "worker.concurrency=5,worker.autoscaling.lagThreshold=5",
        "worker.autoscaling.cooldownPeriod=15",
        "worker.autoscaling.minReplicas=10",
        "worker.autoscaling.activationLagThreshold=4",
        "worker.shutdownGrace=61",
        "settings.HF_TIMEOUT=90,worker.settings.HF_TIMEOUT=30",
        # bounds of an autoscaler that is not asked for
        "worker.autoscaling.mode=none,worker.autoscaling.minReplicas=11,worker.concurrency=100",
        "workflow.enabled=false,workflow.autoscaling.minReplicas=11",
        "gateway.autoscaling.mode=none,gateway.resources.requests.cpu=null",
        "nats.account=,nats.accountID=A" + "B" * 55,
        "redis.url=,redis.existingSecret=redis-address",
        "nats.auth.enabled=false,nats.auth.existingSecret=",
        "commonLabels.team=pictures,worker.podLabels.tier=work",
        "settings.LEGACY_REDIS_BRIDGE=false,priority.enabled=false",
    ],
)
def test_the_border_is_still_inside(values: str) -> None:
    assert render(given(values)).objects != []


def test_every_preset_is_accepted_without_a_schema_too(without_schema: Path) -> None:
    for preset in PRESETS:
        assert render(preset=preset, chart=without_schema).objects == render(preset=preset).objects


# ------------------------------------------------------------------ variables that the chart keeps for itself


def kept() -> set[str]:
    """Variables of ours that the chart sets for some role, and secrets: those come from a Secret only."""
    rendering = render(FULL)
    given_by_chart = {name for role in ROLES for name in rendering.environment(role)}
    return (given_by_chart | {row.name for row in rows() if row.secret}) & {row.name for row in rows()}


@pytest.mark.parametrize("place", ["settings", *(f"{role}.settings" for role in ROLES if role != "streams")])
def test_a_variable_of_the_chart_is_refused_with_what_to_set(place: str, without_schema: Path) -> None:
    found = said(",".join(f"{place}.{name}=1" for name in sorted(kept())), without_schema)
    named = [re.fullmatch(rf"{re.escape(place)}\.(\w+) belongs to the chart: (.*)\.", each) for each in found]
    advice = {match[1]: match[2] for match in named if match}

    assert advice.keys() == kept()
    assert [name for name, said in advice.items() if not re.search("`|always|in a cluster", said)] == []
    assert [
        path
        for said in advice.values()
        for path in re.findall(r"`(\w+(?:\.\w+)*)`", said)
        if not _is_value(path) and path not in {"metrics", "http", "shutdownGrace", "autoscaling.maxReplicas"}
    ] == []


@pytest.mark.parametrize("place", ["settings", "worker.settings"])
def test_the_schema_refuses_them_in_the_same_words(place: str, without_schema: Path) -> None:
    line = ",".join(f"{place}.{name}=1" for name in sorted(kept()))
    pattern = rf"at '/{place.replace('.', '/')}/(\w+)': value must be 'left out: (.*)'"
    advice = dict(re.findall(pattern, refusal(given(line))))

    assert {f"{place}.{name} belongs to the chart: {said}." for name, said in advice.items()} == set(
        said(line, without_schema)
    )
