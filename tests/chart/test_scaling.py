"""From nobody to several and back, with nothing lost: what chart, KEDA and workers promise together.

Pods are processes here; see `stage.py` for what is real. `make scaling-rehearsal` is the same with 600
requests and a timeline.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from memebattle.cli.client import MemeClient
from tests.chart.rendering import CHART, NAME
from tests.chart.stage import stage, values
from tests.fleet import stored_answers
from tests.waiting import wait_until

PATIENCE = 40  # seconds, on a busy machine
REQUESTS, MAX_REPLICAS = 60, 4
GATEWAY = {"gateway": {"preStopSeconds": 0}}
BEFORE = values(max_replicas=MAX_REPLICAS, latency=0.8, cooldown=1) | GATEWAY
AFTER = values(max_replicas=MAX_REPLICAS, latency=0.8, cooldown=2) | GATEWAY


@pytest.mark.timeout(120)
async def test_from_none_to_four_and_back_with_nothing_lost(tmp_path: Path) -> None:
    """A Core message wakes the first pod, a backlog the others; one is killed, and the chart is upgraded."""
    async with stage(tmp_path) as scene, MemeClient(scene.developer).listening() as client:
        await scene.helm.install(CHART, NAME, BEFORE, timeout=60)
        tested = await scene.helm.test(NAME, timeout=60)
        assert "a meme of" in tested["logs"], "one that was asked for over HTTP"
        async with scene.autoscaled():
            await wait_until(lambda: scene.is_asleep, "nobody to be awake", PATIENCE)

            alone = await client.ask("Wake up", via="core", small_image=True)
            assert await client.answered([alone], PATIENCE) == [], "nobody heard it, the stream did"
            ids = [alone, *await _ask(client)]
            await wait_until(lambda: scene.ready > 1, "a second replica", PATIENCE)
            scene.node.pods(NAME)[0].kill()
            await scene.helm.upgrade(CHART, NAME, AFTER, timeout=60)
            assert await client.answered(ids, PATIENCE) == []
            await wait_until(lambda: scene.is_asleep, "nobody to be awake", PATIENCE)

        stored = await stored_answers(scene.developer)
        assert stored == dict.fromkeys(client.answers, 1)
        assert stored.keys() >= set(ids)
        assert {len(heard) for heard in client.answers.values()} == {1}

    looks = scene.operator.looks
    assert [look for look in looks if not look.follows] == []
    assert max(look.after for look in looks) == MAX_REPLICAS
    assert scene.changes_of_replicas() == [1, *scene.decisions()], "the upgrade changed nothing"
    # two runs of the streams Job and two test pods ended by themselves; all others but one were asked to
    assert sorted(end.code for end in scene.node.exits if not end.asked) == [-9, 0, 0, 0, 0]
    assert {end.code for end in scene.node.exits if end.asked and end.served} == {0}


async def _ask(client: MemeClient) -> list[str]:
    return [
        await client.ask(f"Cat {number}", via="jetstream", small_image=True) for number in range(REQUESTS)
    ]
