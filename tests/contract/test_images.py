"""Finished pictures by their SHA-256, in the object store and in memory."""

from __future__ import annotations

import hashlib

import pytest

from memebattle.bus.objects import MemoryImages, NatsImages
from memebattle.cli.local import NatsServer
from memebattle.generation.ports import ImageStore, Meme
from memebattle.kit.metrics import Metrics
from tests.contract.conftest import Bus

BUCKET = "meme-images"


def meme(data: bytes) -> Meme:
    return Meme(data, "image/webp", 16, 16, hashlib.sha256(data).hexdigest(), "toy", "toy-1")


@pytest.fixture
async def nats_images(bus: Bus, metrics: Metrics) -> NatsImages:
    return NatsImages(bus.js, BUCKET, metrics)


@pytest.fixture(params=["memory", "object store"])
def images(request: pytest.FixtureRequest) -> ImageStore:
    return MemoryImages() if request.param == "memory" else request.getfixturevalue("nats_images")


async def test_a_picture_is_found_by_its_hash(images: ImageStore) -> None:
    kept = meme(b"\x00\xffa small picture")
    await images.put(kept)

    assert await images.get(kept.sha256) == b"\x00\xffa small picture"


async def test_a_picture_that_is_not_there_is_not_found(images: ImageStore) -> None:
    assert await images.get("0" * 64) is None


async def test_a_picture_of_several_chunks_comes_back_whole(images: ImageStore) -> None:
    kept = meme(bytes(range(256)) * 1600)  # 400 KiB, the store cuts at 128
    await images.put(kept)

    assert await images.get(kept.sha256) == kept.data


async def test_keeping_it_again_changes_nothing(images: ImageStore) -> None:
    for _ in range(2):
        await images.put(meme(b"picture"))

    assert await images.get(meme(b"picture").sha256) == b"picture"


async def test_the_same_picture_is_written_once(bus: Bus, nats_images: NatsImages) -> None:
    await nats_images.put(meme(b"picture"))
    before = (await bus.js().stream_info(f"OBJ_{BUCKET}")).state.last_seq
    await nats_images.put(meme(b"picture"))

    assert (await bus.js().stream_info(f"OBJ_{BUCKET}")).state.last_seq == before


async def test_without_the_bucket_nothing_fails_and_it_is_counted(
    bus: Bus, nats_images: NatsImages, metrics: Metrics
) -> None:
    await bus.js().delete_stream(f"OBJ_{BUCKET}")
    await nats_images.put(meme(b"picture"))

    assert await nats_images.get(meme(b"picture").sha256) is None
    errors = metrics.registry.get_sample_value("meme_generator_image_store_errors_total")
    assert errors is not None
    assert errors >= 1


async def test_without_nats_nothing_fails_and_it_is_counted(
    bus: Bus, nats_images: NatsImages, nats_server: NatsServer, metrics: Metrics
) -> None:
    await bus.client.close()
    await nats_images.put(meme(b"picture"))

    assert await nats_images.get("0" * 64) is None
    assert metrics.registry.get_sample_value("meme_generator_image_store_errors_total") == 2
