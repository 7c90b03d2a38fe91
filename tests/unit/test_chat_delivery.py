"""Delivery of chunks: to the pods that hold the session, or to all of them, and to which ones when."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from memebattle.bus.core_publishing import MemoryPublisher
from memebattle.bus.frames import Frame
from memebattle.chat.delivery import REMEMBERED, ChunkDelivery
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from tests.toys import Clock

FRAME = Frame(
    session_id="s1",
    message_id="m1",
    body=b'{"chunk_id":0}',
    next_chunk=1,
    final=False,
    digest="digest",
    writer="writer",
    previous=41,
    seq=43,
    trace={"traceparent": "00-a-b-01", "correlation_id": "corr-1"},
)
FINAL = replace(FRAME, final=True, previous=43, seq=44, next_chunk=2)
BROADCAST = "chat.session.s1.broadcast"


class ToyRegistry:
    """Says what it is told to say, and counts how often it is asked."""

    def __init__(self, *pods: str) -> None:
        self.answer: frozenset[str] | None = frozenset(pods)
        self.asked: list[str] = []

    async def pods(self, session_id: str) -> frozenset[str] | None:
        self.asked.append(session_id)
        return self.answer

    def say(self, *pods: str) -> None:
        self.answer = frozenset(pods)


class Post:
    """A delivery between a toy registry and a toy wire."""

    def __init__(self, metrics: Metrics, *pods: str, **env: str) -> None:
        self.metrics, self.clock = metrics, Clock()
        self.registry, self.wire = ToyRegistry(*pods), MemoryPublisher()
        settings = Settings.from_env(env).chat
        self.delivery = ChunkDelivery(self.registry, self.wire, metrics.workflow, settings, clock=self.clock)

    async def tell(self, frame: Frame = FRAME) -> None:
        await self.delivery.tell(frame)

    @property
    def subjects(self) -> list[str]:
        """Where was published since the last look."""
        subjects = [subject for subject, _, _ in self.wire.published]
        self.wire.published.clear()
        return subjects

    def broadcasts(self, reason: str) -> float:
        return self.count("broadcasts_total", reason=reason)

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"chat_workflow_{name}", labels) or 0


def subject_of(pod: str) -> str:
    return f"chat.pod.{pod}.response"


async def test_a_chunk_goes_to_the_pod_that_holds_the_session(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1")
    await post.tell()

    ((subject, body, headers),) = post.wire.published
    assert (subject, body) == ("chat.pod.pod-1.response", b'{"chunk_id":0}')
    assert headers == {
        "traceparent": "00-a-b-01",
        "correlation_id": "corr-1",
        "Mb-Previous": "41",
        "Mb-Next-Chunk": "1",
        "Mb-Final": "0",
        "Mb-Digest": "digest",
        "Mb-Writer": "writer",
        "Mb-Session": "s1",
        "Mb-Message": "m1",
        "Mb-Sequence": "43",
        "content-type": "application/json",
    }
    assert post.registry.asked == ["s1"]


async def test_a_session_with_connections_on_several_pods_is_told_to_each(metrics: Metrics) -> None:
    post = Post(metrics, "pod-2", "pod-1", "pod-3")
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), subject_of("pod-2"), subject_of("pod-3")]


async def test_a_broken_pod_does_not_stop_the_others(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """The document: "Continue publishing to other pods"."""
    post = Post(metrics, "pod-1", "pod-2", "pod-3")
    post.wire.broken = {subject_of("pod-1"), subject_of("pod-2")}
    await post.tell()

    assert post.subjects == [subject_of("pod-3")]
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to publish to pod pod-1: publish failed after 1 retries: broken",
        "Failed to publish to pod pod-2: publish failed after 1 retries: broken",
    ]
    assert [record.pod_id for record in caplog.records] == ["pod-1", "pod-2"]  # type: ignore[attr-defined]
    assert [post.count("pod_publish_errors_total", pod_id=f"pod-{n}") for n in (1, 2, 3)] == [1, 1, 0]


async def test_a_registry_that_talks_nonsense_breaks_nothing(metrics: Metrics) -> None:
    """A pod's id becomes a token of a subject; what cannot be one is nobody."""
    post = Post(metrics, "*", "", "pod-1")
    await post.tell()

    assert post.subjects == [subject_of("pod-1")]


@pytest.mark.parametrize(
    ("reason", "env", "answer"),
    [
        ("nobody_connected", {}, frozenset()),
        ("registry_away", {}, None),
        ("forced", {"CHAT_FORCE_BROADCAST": "true"}, frozenset({"pod-1"})),
    ],
)
async def test_otherwise_everybody_is_told(
    metrics: Metrics, reason: str, env: dict[str, str], answer: frozenset[str] | None
) -> None:
    post = Post(metrics, **env)
    post.registry.answer = answer
    await post.tell()
    await post.tell(FINAL)

    assert post.subjects == [BROADCAST, BROADCAST]
    reasons = ("nobody_connected", "registry_away", "forced")
    assert [post.broadcasts(each) for each in reasons] == [2.0 * (each == reason) for each in reasons]


async def test_when_forced_the_registry_is_left_alone(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1", CHAT_FORCE_BROADCAST="true")
    await post.tell()

    assert post.registry.asked == []


async def test_a_broadcast_that_fails_is_a_warning(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream has it; nobody who tells may stop the answer."""
    post = Post(metrics)
    post.wire.broken = {BROADCAST}
    await post.tell()

    assert [record.getMessage() for record in caplog.records] == [
        "Failed to broadcast: publish failed after 1 retries: broken"
    ]


async def test_what_the_registry_said_is_trusted_for_half_a_second(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1")
    await post.tell()
    post.registry.say("pod-1", "pod-2")
    post.clock.now += 0.499
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), subject_of("pod-1")]
    assert len(post.registry.asked) == 1

    post.clock.now += 0.002
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), subject_of("pod-2")]
    assert len(post.registry.asked) == 2


async def test_that_nobody_is_there_is_trusted_as_long(metrics: Metrics) -> None:
    """Everybody is told meanwhile, so whoever comes misses nothing."""
    post = Post(metrics)
    await post.tell()
    post.registry.say("pod-1")
    await post.tell()

    assert post.subjects == [BROADCAST, BROADCAST]

    post.clock.now += 0.5
    await post.tell()

    assert post.subjects == [subject_of("pod-1")]


async def test_how_long_it_is_trusted_can_be_set(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1", CHAT_REGISTRY_CACHE="0")
    await post.tell()
    await post.tell()

    assert len(post.registry.asked) == 2


async def test_the_final_frame_asks_anew(metrics: Metrics) -> None:
    """A pod that registered a moment ago must hear of the end, else it waits for chunks that never come."""
    post = Post(metrics, "pod-1")
    await post.tell()
    post.registry.say("pod-1", "pod-2")
    await post.tell(FINAL)

    assert post.subjects == [subject_of("pod-1"), subject_of("pod-1"), subject_of("pod-2")]


async def test_after_the_final_frame_nothing_is_remembered(metrics: Metrics) -> None:
    """The next answer of the session may begin much later, or at once, elsewhere."""
    post = Post(metrics, "pod-1")
    await post.tell()
    await post.tell(FINAL)
    await post.tell()

    assert len(post.registry.asked) == 3
    assert len(post.delivery._known) == 1


async def test_a_registry_that_is_away_is_asked_again_by_the_next_frame(metrics: Metrics) -> None:
    """Its adapter knows by itself when to leave Redis alone."""
    post = Post(metrics, "pod-1")
    await post.tell()
    post.clock.now += 1
    post.registry.answer = None
    await post.tell()
    post.registry.say("pod-2")
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), BROADCAST, subject_of("pod-2")]


async def test_what_it_said_before_it_went_away_is_not_trusted_for_the_next_answer(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1")
    await post.tell()
    post.registry.answer = None
    await post.tell(FINAL)
    post.registry.say("pod-2")
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), BROADCAST, subject_of("pod-2")]


async def test_sessions_are_remembered_apart(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1")
    await post.tell()
    post.registry.say("pod-2")
    await post.tell(replace(FRAME, session_id="s2"))
    await post.tell()

    assert post.subjects == [subject_of("pod-1"), subject_of("pod-2"), subject_of("pod-1")]
    assert post.registry.asked == ["s1", "s2"]


async def test_a_worker_remembers_the_ten_thousand_sessions_it_asked_for_last(metrics: Metrics) -> None:
    post = Post(metrics, "pod-1")
    for number in range(REMEMBERED):
        await post.tell(replace(FRAME, session_id=f"s{number}"))
    post.clock.now += 0.5
    await post.tell(replace(FRAME, session_id="s0"))
    await post.tell(replace(FRAME, session_id="one more"))

    assert len(post.delivery._known) == REMEMBERED
    assert "s0" in post.delivery._known
    assert "s1" not in post.delivery._known


class SlowWire(MemoryPublisher):
    """Takes a quarter of a second for each publish."""

    clock: Clock

    async def publish(self, subject: str, body: bytes, headers: object) -> None:
        self.clock.now += 0.25


@pytest.mark.parametrize(
    ("pods", "subject", "pod_id"),
    [(["pod-1"], "chat.pod.pod-1.response", "pod-1"), ([], "chat.session.s1.broadcast", None)],
)
async def test_a_publish_is_logged_with_the_document_s_keys(
    metrics: Metrics, caplog: pytest.LogCaptureFixture, pods: list[str], subject: str, pod_id: str | None
) -> None:
    caplog.set_level(logging.DEBUG, "memebattle.chat.delivery")
    post = Post(metrics, *pods)
    slow = SlowWire()
    slow.clock = post.clock
    post.delivery = ChunkDelivery(
        post.registry, slow, metrics.workflow, Settings.from_env({}).chat, clock=post.clock
    )
    await post.tell()
    await post.tell(FINAL)

    first, last = caplog.records
    assert (first.getMessage(), first.levelno) == ("Message published", logging.DEBUG)
    assert (last.getMessage(), last.levelno) == ("Message published", logging.INFO)
    for record in caplog.records:
        fields = vars(record)
        assert {name: fields[name] for name in ("subject", "message_id", "session_id", "pod_id")} == {
            "subject": subject,
            "message_id": "m1",
            "session_id": "s1",
            "pod_id": pod_id,
        }
        assert fields["latency_ms"] == 250.0
