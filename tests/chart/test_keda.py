"""The double of KEDA by itself: what is asked, the arithmetic of replicas, and what time does to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.keda import Autoscaler, Scaler, ScalerError, Trigger

BEHAVIOR = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 120,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 30}],
    },
}
METADATA = {
    "natsServerMonitoringEndpoint": "nats-headless.messaging.svc.cluster.local:8222",
    "account": "APP",
    "stream": "MEMES",
    "consumer": "meme-generator",
    "lagThreshold": "5",
    "activationLagThreshold": "0",
    "useHttps": "false",
}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def scaled_object(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """As our chart renders it for memes."""
    return {
        "spec": {
            "minReplicaCount": 0,
            "maxReplicaCount": 10,
            "pollingInterval": 15,
            "cooldownPeriod": 120,
            "initialCooldownPeriod": 60,
            "fallback": {"failureThreshold": 3, "replicas": 1, "behavior": "currentReplicasIfHigher"},
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": BEHAVIOR}},
            "triggers": [
                {
                    "type": "nats-jetstream",
                    "metricType": "AverageValue",
                    "metadata": METADATA if metadata is None else metadata,
                }
            ],
            **spec,
        }
    }


class Run:
    """An autoscaler and the replicas it has."""

    def __init__(self, replicas: int = 0, **spec: Any) -> None:
        self.clock, self.replicas = Clock(), replicas
        self.autoscaler = Autoscaler(scaled_object(**spec), self.clock)

    def look(self, lag: int | None) -> int:
        """One look now; a quarter of a minute later it is the next one's turn."""
        self.replicas = self.autoscaler.decide(lag, self.replicas)
        self.clock.now += 15
        return self.replicas

    def looks(self, lag: int | None, count: int) -> list[int]:
        return [self.look(lag) for _ in range(count)]


# -- the trigger


@pytest.mark.parametrize("name", ["natsServerMonitoringEndpoint", "stream", "consumer"])
def test_what_the_scaler_needs(name: str) -> None:
    incomplete = {key: value for key, value in METADATA.items() if key != name}

    with pytest.raises(ScalerError, match=f'missing required parameter "{name}"'):
        Trigger.of(scaled_object(incomplete))


def test_an_account_is_needed() -> None:
    """The ScaledObject of the document has none."""
    incomplete = {key: value for key, value in METADATA.items() if key != "account"}

    with pytest.raises(ScalerError, match="no account name or id given"):
        Trigger.of(scaled_object(incomplete))


@pytest.mark.parametrize(
    ("name", "value"),
    [("lagThreshold", 5), ("useHttps", False), ("lagThreshold", "five"), ("useHttps", "no")],
)
def test_values_are_texts_that_mean_something(name: str, value: Any) -> None:
    with pytest.raises(ScalerError, match=name):
        Trigger.of(scaled_object(METADATA | {name: value}))


def test_another_trigger_is_none_of_ours() -> None:
    cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "80"}}

    with pytest.raises(ScalerError, match="no scaler here for cpu"):
        Trigger.of(scaled_object(triggers=[cpu]))


def test_the_defaults_are_those_of_keda() -> None:
    few = ("natsServerMonitoringEndpoint", "account", "stream", "consumer")
    trigger = Trigger.of(scaled_object({name: METADATA[name] for name in few}))

    assert (trigger.lag_threshold, trigger.activation_lag_threshold, trigger.use_https) == (10, 0, False)
    assert trigger.account_id == "APP"


# -- what is asked of NATS, with answers of servers that do not tell clients about each other


class Monitoring:
    """Answers by address, and what was asked."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers, self.asked = answers, list[str]()

    def __call__(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        host, _, path = url.removeprefix("http://").partition("/")
        if host not in self.answers:
            raise OSError("no such host")
        answer: dict[str, Any] = self.answers[host][path.partition("?")[0]]
        return answer


def answers(leader: str, pending: int, in_work: int, size: int = 3) -> dict[str, Any]:
    consumer = {
        "name": "meme-generator",
        "num_pending": pending,
        "num_ack_pending": in_work,
        "cluster": {"leader": leader},
    }
    streams = [{"name": "MEMES", "consumer_detail": [consumer]}]
    routes = [f"nats-{number}.nats-headless.messaging.svc.cluster.local:6222" for number in range(size)]
    return {
        "jsz": {
            "meta_cluster": {"cluster_size": size},
            "account_details": [{"id": "APP", "name": "APP", "stream_detail": streams}],
        },
        "varz": {"cluster": {"urls": routes}},
    }


ENDPOINT = "nats-headless.messaging.svc.cluster.local:8222"
SILENT = {
    ENDPOINT: answers("nats-1", 0, 0),
    **{f"nats-{number}.{ENDPOINT}": answers("nats-1", 0, 0) for number in (0, 2)},
    f"nats-1.{ENDPOINT}": answers("nats-1", 4, 3),
}


async def test_the_leader_is_looked_for_once_and_asked_from_then_on() -> None:
    monitoring = Monitoring(SILENT)
    scaler = Scaler(Trigger.of(scaled_object()), monitoring)

    assert [await scaler.lag(), await scaler.lag()] == [7, 7]
    query = "/jsz?acc=APP&config=true&consumers=true"
    assert monitoring.asked == [
        f"http://{ENDPOINT}{query}",
        f"http://{ENDPOINT}/varz",
        f"http://nats-0.{ENDPOINT}{query}",
        f"http://nats-1.{ENDPOINT}{query}",
        f"http://nats-1.{ENDPOINT}{query}",
    ]


async def test_the_endpoint_of_the_document_has_no_names_of_servers() -> None:
    """`nats-0.nats.messaging...` is in no DNS: that is why ours is the headless service."""
    service = "nats.messaging.svc.cluster.local:8222"
    trigger = Trigger.of(scaled_object(METADATA | {"natsServerMonitoringEndpoint": service}))

    with pytest.raises(ScalerError, match=r"nats-0\.nats\.messaging\.svc\.cluster\.local:8222.*no such host"):
        await Scaler(trigger, Monitoring({service: answers("nats-1", 0, 0)})).lag()


async def test_where_servers_keep_silent_one_that_is_away_hides_the_backlog() -> None:
    """nats-0 is asked before the leader. So ours tell about each other: see test_keda_scaler.py."""
    without = {host: answer for host, answer in SILENT.items() if not host.startswith("nats-0.")}

    with pytest.raises(ScalerError, match="no such host"):
        await Scaler(Trigger.of(scaled_object()), Monitoring(without)).lag()


async def test_a_server_by_itself_is_its_own_leader() -> None:
    alone = Monitoring({ENDPOINT: answers("", 2, 1, size=0)})

    assert await Scaler(Trigger.of(scaled_object()), alone).lag() == 3
    assert len(alone.asked) == 1


async def test_a_server_by_itself_says_what_it_does_not_find() -> None:
    trigger = Trigger.of(scaled_object(METADATA | {"consumer": "meme-processor"}))

    with pytest.raises(ScalerError, match='consumer "meme-processor" not found in stream "MEMES"'):
        await Scaler(trigger, Monitoring({ENDPOINT: answers("", 2, 1, size=0)})).lag()


# -- how many, by the backlog alone


@pytest.mark.parametrize(
    ("lag", "replicas", "expected"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (5, 1, 1),
        (6, 1, 2),
        (10, 2, 2),
        (11, 2, 2),  # within a tenth
        (12, 2, 3),
        (9, 2, 2),  # likewise
        (45, 9, 9),
        (46, 9, 9),  # likewise
        (50, 9, 10),
        (600, 9, 10),  # never more than the most
        (25, 5, 5),
    ],
)
def test_replicas_are_the_backlog_by_the_threshold(lag: int, replicas: int, expected: int) -> None:
    assert Run(replicas).look(lag) == expected


def test_nobody_is_woken_by_nothing_and_one_by_one() -> None:
    run = Run()

    assert run.looks(0, 3) == [0, 0, 0]
    assert run.look(1) == 1


@pytest.mark.parametrize("lag", [1, 4])
def test_what_does_not_exceed_the_activation_threshold_waits_for_ever(lag: int) -> None:
    run = Run(metadata=METADATA | {"activationLagThreshold": "4"})

    assert run.looks(lag, 20) == [0] * 20
    assert run.look(5) == 1


def test_waking_starts_with_the_fewest() -> None:
    assert Run(minReplicaCount=3).look(1) == 3
    assert Run(minReplicaCount=3).look(0) == 3
    assert Run(minReplicaCount=1).look(600) == 1


# -- how fast


def test_600_requests_wake_ten_replicas_four_at_a_time() -> None:
    assert Run().looks(600, 5) == [1, 5, 9, 10, 10]


def test_down_it_goes_one_by_one_after_two_minutes_of_calm() -> None:
    run = Run()
    run.looks(600, 4)

    calm = run.looks(4, 40)

    assert calm[:7] == [10] * 7
    assert calm[7:17] == [9, 9, 8, 8, 7, 7, 6, 6, 5, 5]
    assert calm[-1] == 1


def test_a_backlog_that_comes_back_during_the_calm_costs_nobody() -> None:
    run = Run()
    run.looks(600, 4)
    run.looks(4, 6)

    assert run.looks(50, 8) == [10] * 8


def test_the_most_policies_allow_or_the_least() -> None:
    policies = [
        {"type": "Pods", "value": 1, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ]

    def first_look(**more: Any) -> int:
        behavior = {"scaleUp": {"policies": policies, **more}}
        config = {"horizontalPodAutoscalerConfig": {"behavior": behavior}}
        return Run(4, advanced=config).look(600)

    assert first_look() == 8
    assert first_look(selectPolicy="Min") == 5
    assert first_look(selectPolicy="Disabled") == 4


def test_without_a_behaviour_it_is_that_of_kubernetes() -> None:
    """Doubling or four more, whatever is more; down at once, but only after five minutes."""
    run = Run(advanced={})

    assert run.looks(600, 4) == [1, 5, 10, 10]
    assert run.looks(4, 19) == [10] * 19
    assert run.look(4) == 1


# -- sleeping


def test_it_sleeps_when_nothing_was_there_for_the_cooldown_and_all_at_once() -> None:
    run = Run()
    run.looks(600, 4)

    calm = run.looks(0, 10)

    assert min(calm[:8]) > 0
    assert calm[8:] == [0, 0]


def test_a_request_during_the_cooldown_starts_it_anew() -> None:
    run = Run()
    run.look(1)
    run.looks(0, 7)
    run.look(1)

    assert run.looks(0, 8) == [1] * 8
    assert run.look(0) == 0


def test_a_new_release_may_make_its_streams_before_it_sleeps() -> None:
    run = Run(1)

    assert run.looks(0, 5) == [1] * 5
    assert run.look(0) == 0


def test_with_a_fewest_of_one_it_never_sleeps() -> None:
    assert Run(1, minReplicaCount=1).looks(0, 50) == [1] * 50


# -- not seeing the backlog


def test_what_cannot_be_seen_changes_nothing_at_first() -> None:
    run = Run()
    run.looks(600, 4)

    assert run.looks(None, 30) == [10] * 30


def test_too_many_failures_wake_the_fallback() -> None:
    """Since KEDA 2.19 a fallback counts as activity: also nobody is as many as it says."""
    assert Run().looks(None, 6) == [0, 0, 0, 1, 1, 1]


def test_one_good_look_forgets_the_failures() -> None:
    run = Run()

    assert [run.look(lag) for lag in (None, None, None, 0, None, None, None)] == [0] * 7


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [("static", 4), ("currentReplicas", 6), ("currentReplicasIfHigher", 6), ("currentReplicasIfLower", 4)],
)
def test_which_number_the_fallback_takes(behavior: str, expected: int) -> None:
    fallback = {"failureThreshold": 0, "replicas": 4, "behavior": behavior}

    assert Run(6, fallback=fallback, cooldownPeriod=9999).looks(None, 40)[-1] == expected


def test_without_a_fallback_nobody_is_woken_and_nobody_sent_to_sleep() -> None:
    assert Run(fallback=None).looks(None, 20) == [0] * 20
    assert Run(3, fallback=None).looks(None, 20) == [3] * 20


def test_a_fallback_to_nobody_sends_to_sleep() -> None:
    fallback = {"failureThreshold": 100, "replicas": 0}

    assert Run(3, fallback=fallback).looks(None, 6)[-1] == 0


def test_who_looks_when() -> None:
    autoscaler = Autoscaler(scaled_object(pollingInterval=5), Clock())

    assert (autoscaler.pause(0), autoscaler.pause(1)) == (5, 15)
