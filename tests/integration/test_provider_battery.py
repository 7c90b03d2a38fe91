"""The real client against a provider that misbehaves in every way we know, over real sockets.

Whatever the provider does, a call ends within its deadline (and ten per cent), in one picture or one named
error, and memory stays bounded. The second half holds the fake itself to what it promises.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import logging
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from memebattle.cli.fake_hf import FakeHuggingFace, Manners, serve
from memebattle.cli.fake_hf.faults import FAULTS
from memebattle.generation.ports import (
    GenerationError,
    ImageSpec,
    InvalidPrompt,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.providers._http import httpx
from memebattle.generation.providers.huggingface import HuggingFace
from memebattle.generation.registry import open_image_model
from memebattle.generation.throttle import Throttle
from memebattle.settings import HuggingFaceProvider, Settings

FLUX = "black-forest-labs/FLUX.1-schnell"
DEADLINE = 1.0
SPEC = ImageSpec("a cat wearing a space helmet", width=128, height=96)

type Connect = Callable[..., HuggingFace]


@pytest.fixture
async def fake(caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeHuggingFace]:
    """A provider that paints noise; no test may leave a warning behind, from asyncio least of all."""
    async with FakeHuggingFace(Manners(style="noise")) as server:
        yield server
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.fixture
async def connect(fake: FakeHuggingFace) -> AsyncIterator[Connect]:
    """Makes clients of the fake that never throttle, and closes them."""
    opened: list[HuggingFace] = []

    def make(provider: HuggingFaceProvider = "hf-inference", timeout: float = DEADLINE) -> HuggingFace:
        throttle = Throttle(rng=lambda: 0.999)
        url = fake.url(provider, FLUX)
        client = HuggingFace(
            FLUX, token="hf_x", provider=provider, url=url, timeout=timeout, throttle=throttle
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


def peak_megabytes(*, anew: bool = False) -> float:
    """The most memory this process has held; `anew` forgets earlier peaks first, where Linux lets us."""
    if anew:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the fake's own counters have no event to wait for
            await asyncio.sleep(0.005)


async def outcome(call: Awaitable[Any]) -> type[GenerationError] | str:
    """How a call ended: its error's class, or the picture's content type."""
    try:
        raw = await call
    except GenerationError as error:
        return type(error)
    return str(raw.content_type)


# fault -> outcome, retry_after
EXPECTED: dict[str, tuple[type[GenerationError], float | None]] = {
    "503": (ProviderUnavailable, 20.0),
    "429": (ProviderRateLimited, 7.0),
    "500": (ProviderUnavailable, None),
    "400": (InvalidPrompt, None),
    "html": (ProviderUnavailable, None),
    "json": (ProviderUnavailable, None),
    "empty": (ProviderUnavailable, None),
    "slow": (ProviderTimeout, None),
    "hang": (ProviderTimeout, None),
    "drip": (ProviderTimeout, None),
    "huge": (ProviderUnavailable, None),
    "endless": (ProviderUnavailable, None),
    "reset": (ProviderUnavailable, None),
    "cut": (ProviderUnavailable, None),
    "bomb": (ProviderUnavailable, None),
}


def test_the_battery_is_complete() -> None:
    assert EXPECTED.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", EXPECTED)
async def test_every_fault_is_one_named_error_in_time_and_memory(
    fault: str, fake: FakeHuggingFace, connect: Connect
) -> None:
    client = connect()
    assert await outcome(client.generate(SPEC)) == "image/png"
    fake.script(fault)
    before = peak_megabytes(anew=True)
    started = asyncio.get_running_loop().time()

    with pytest.raises(GenerationError) as caught:
        await client.generate(SPEC)

    assert asyncio.get_running_loop().time() - started <= DEADLINE * 1.1
    assert (type(caught.value), caught.value.retry_after) == EXPECTED[fault]
    assert peak_megabytes() - before <= 50
    assert fake.total == 2

    assert await outcome(client.generate(SPEC)) == "image/png", "the client is usable afterwards"


async def test_twenty_bad_answers_at_once_stay_bounded(fake: FakeHuggingFace, connect: Connect) -> None:
    """Bodies without end in parallel: each call may hold its 8 MiB at most, and gives them back."""
    client = connect(timeout=10)
    fake.script(*["huge", "bomb", "reset", "cut", "endless"] * 4)
    before = peak_megabytes(anew=True)

    outcomes = await asyncio.gather(*(outcome(client.generate(SPEC)) for _ in range(20)))

    assert outcomes == [ProviderUnavailable] * 20
    assert peak_megabytes() - before <= 100


# --- the fake keeps its own promises --------------------------------------------------------------


@pytest.mark.parametrize("provider", ["hf-inference", "endpoint", "fal-ai", "together", "nscale"])
async def test_the_fake_speaks_every_format(
    provider: HuggingFaceProvider, fake: FakeHuggingFace, connect: Connect
) -> None:
    """The default model through the real client, the size as asked, the token kept from the file host."""
    raw = await connect(provider).generate(SPEC)

    assert (raw.content_type, raw.width, raw.height) == ("image/png", 128, 96)
    assert fake.calls == {SPEC.prompt: 1}
    authorised = ["authorization" in call.headers for call in fake.log]
    assert authorised == ([True, False] if provider == "fal-ai" else [True])


async def test_connections_are_kept_alive(fake: FakeHuggingFace, connect: Connect) -> None:
    client = connect()
    for _ in range(5):
        await client.generate(SPEC)

    assert len(fake._conversations) == 1


@pytest.mark.parametrize(("encoding", "content_type"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
async def test_the_fake_paints_other_encodings(
    encoding: Any, content_type: str, fake: FakeHuggingFace, connect: Connect
) -> None:
    fake.manners = Manners(style="noise", encoding=encoding, size=64)

    raw = await connect().generate(SPEC)

    assert (raw.content_type, raw.width, raw.height) == (content_type, 64, 64)


async def test_noise_weighs_as_much_as_a_real_picture(fake: FakeHuggingFace, connect: Connect) -> None:
    """Two prompts, two pictures, each too heavy for a message of 1 MiB."""
    client = connect(timeout=20)
    first = await client.generate(ImageSpec("a cat", 1024, 1024))
    second = await client.generate(ImageSpec("a dog", 1024, 1024))

    assert 2_000_000 < len(first.data) < 3_500_000
    assert first.data != second.data


async def test_the_artist_paints_for_the_fake(fake: FakeHuggingFace, connect: Connect) -> None:
    fake.manners = Manners()

    raw = await connect(timeout=20).generate(ImageSpec("a cat", 256, 256))

    with Image.open(io.BytesIO(raw.data)) as picture:
        assert picture.size == (256, 256)


async def test_the_fake_fails_as_often_as_told(fake: FakeHuggingFace, connect: Connect) -> None:
    draws = iter([0.05, 0.5, 0.09, 0.1])
    fake.rng = lambda: next(draws)
    fake.manners = Manners(style="noise", error_rate=0.1, status=429, retry_after=3)
    client = connect()

    outcomes = [await outcome(client.generate(SPEC)) for _ in range(4)]

    assert outcomes == [ProviderRateLimited, "image/png", ProviderRateLimited, "image/png"]


async def test_the_fake_knows_every_status(fake: FakeHuggingFace, connect: Connect) -> None:
    fake.manners = Manners(error_rate=1, status=599)

    with pytest.raises(ProviderUnavailable, match="599"):
        await connect().generate(SPEC)


async def test_the_fake_is_as_slow_as_told(fake: FakeHuggingFace, connect: Connect) -> None:
    fake.manners = Manners(style="noise", latency=0.2)
    started = asyncio.get_running_loop().time()

    await connect().generate(SPEC)

    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_other_processes_can_count_the_calls(fake: FakeHuggingFace, connect: Connect) -> None:
    """Failed calls count, questions about the count do not."""
    fake.script("500")
    client = connect()
    for prompt in ("a cat", "a cat", "a dog \ud83d"):
        await outcome(client.generate(ImageSpec(prompt, 64, 64)))

    async with httpx.AsyncClient(trust_env=False) as visitor:
        first = await visitor.get(f"{fake.base_url}/_calls")
        second = await visitor.get(f"{fake.base_url}/_calls")

    assert first.json() == {"total": 3, "by_prompt": {"a cat": 2, "a dog \ud83d": 1}}
    assert second.json() == first.json()


def test_a_fault_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        FakeHuggingFace().script("ok", "nonsense")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nnot JSON!",
    ],
)
async def test_the_fake_answers_400_to_what_is_no_request(
    request_bytes: bytes, fake: FakeHuggingFace
) -> None:
    reader, writer = await asyncio.open_connection(fake.host, fake.port)
    writer.write(request_bytes)

    status = await reader.readline()
    writer.close()

    assert status == b"HTTP/1.1 400 Bad Request\r\n"


async def test_the_fake_survives_clients_that_leave(fake: FakeHuggingFace, connect: Connect) -> None:
    """Cancelled mid-latency and mid-body, half a request, no request: the next client is served."""
    client = connect(timeout=20)
    fake.manners = Manners(style="noise", latency=0.05)
    fake.script("ok", "drip", "endless", "hang")
    calls = [asyncio.create_task(outcome(client.generate(SPEC))) for _ in range(4)]
    await until(lambda: fake.total == 4)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    for half in (b"", b"POST / HTTP/1.1\r\ncontent-le", b"POST / HTTP/1.1\r\ncontent-length: 50\r\n\r\n{"):
        _, writer = await asyncio.open_connection(fake.host, fake.port)
        writer.write(half)
        await writer.drain()
        writer.close()

    assert await outcome(client.generate(SPEC)) == "image/png"
    await client.aclose()
    await until(lambda: not fake._conversations)


async def test_the_fake_stops_while_clients_are_being_served() -> None:
    """A hanging, a dripping and an unread endless answer do not hold the exit up."""
    async with FakeHuggingFace(Manners(style="noise")) as fake:
        fake.script("hang", "drip", "endless")
        writers = []
        for _ in range(3):
            _, writer = await asyncio.open_connection(fake.host, fake.port)
            writer.write(b'POST / HTTP/1.1\r\ncontent-length: 14\r\n\r\n{"prompt":"x"}')
            writers.append(writer)
        await until(lambda: fake.total == 3)
        started = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - started < 1
    for writer in writers:
        writer.close()


async def test_serve_runs_until_cancelled_and_the_settings_lead_to_it() -> None:
    """The way a demo uses it: a command serves, `HF_API_URL` points there, no token."""
    listening: asyncio.Future[FakeHuggingFace] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(Manners(style="noise"), ready=listening.set_result))
    fake = await listening
    environ = {"IMAGE_PROVIDER": "huggingface", "HF_PROVIDER": "fal-ai", "HF_API_URL": fake.url("fal-ai")}
    model = open_image_model(Settings.from_env(environ))

    raw = await model.generate(SPEC)
    await model.aclose()
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)

    assert raw.content_type == "image/png"
    assert base64.b64encode(raw.data).startswith(b"iVBOR")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(fake.host, fake.port)
