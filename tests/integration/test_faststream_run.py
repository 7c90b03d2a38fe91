"""The container's command, as it stands in the Dockerfile: `faststream run` with a factory."""

from __future__ import annotations

import sys
from pathlib import Path

from nats.aio.client import Client

from memebattle.cli.children import Child, ready
from memebattle.cli.client import MemeClient
from memebattle.cli.ports import free_port


async def test_faststream_run_serves_and_stops(
    worker_env: dict[str, str], tmp_path: Path, developer: Client
) -> None:
    """It listens on METRICS_ADDR, answers a request, and exits 0 on SIGTERM."""
    port = free_port()
    worker = Child(
        "worker",
        [sys.executable, "-m", "faststream", "run", "memebattle.worker:create_app", "--factory"],
        worker_env | {"METRICS_ADDR": f"127.0.0.1:{port}"},
        tmp_path / "worker.log",
    )
    await worker.start()
    await ready(f"http://127.0.0.1:{port}/readyz", worker)
    async with MemeClient(developer).listening() as client:
        request_id = await client.ask("started by faststream run", small_image=True)

        assert await client.answered([request_id], 20) == []
    assert await worker.stop() == 0
