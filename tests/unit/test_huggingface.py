"""The HuggingFace client against a scripted transport: what it sends, what it makes of every answer."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from PIL import Image

from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    ImageSpec,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.providers._http import httpx
from memebattle.generation.providers.addresses import api_url, link_fault
from memebattle.generation.providers.huggingface import HuggingFace
from memebattle.generation.registry import open_image_model
from memebattle.generation.throttle import Throttle
from memebattle.settings import Settings, SettingsError

FLUX = "black-forest-labs/FLUX.1-schnell"
TOKEN = "hf_verySecretToken123"
NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def png(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


PICTURE = png()
B64 = base64.b64encode(PICTURE).decode()


class Provider:
    """A transport that remembers its requests and answers with what it is given."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, content=PICTURE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def sent(self) -> Any:
        """The JSON of the first request."""
        return json.loads(self.requests[0].content)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def connect(provider: Provider) -> AsyncIterator[Callable[..., HuggingFace]]:
    """Makes clients of the scripted provider."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider)) as client:

        def make(model: str = FLUX, **options: Any) -> HuggingFace:
            throttle = Throttle(clock=lambda: 0.0, rng=lambda: 0.99)
            given = {"token": TOKEN, "client": client, "throttle": throttle, "now": lambda: NOW}
            return HuggingFace(model, **{**given, **options})

        yield make


# --- what is sent ---------------------------------------------------------------------------------


FULL = ImageSpec(
    prompt="a cat",
    width=516,
    height=1024,
    guidance_scale=3.5,
    num_inference_steps=4,
    negative_prompt="dogs",
    seed=7,
)


@pytest.mark.parametrize(
    ("name", "url", "accept", "body"),
    [
        (
            "hf-inference",
            f"https://router.huggingface.co/hf-inference/models/{FLUX}",
            "image/png",
            {
                "inputs": "a cat",
                "parameters": {
                    "width": 512,
                    "height": 1024,
                    "guidance_scale": 3.5,
                    "num_inference_steps": 4,
                    "negative_prompt": "dogs",
                    "seed": 7,
                },
            },
        ),
        (
            "fal-ai",
            "https://router.huggingface.co/fal-ai/fal-ai/flux/schnell",
            "application/json",
            {
                "prompt": "a cat",
                "image_size": {"width": 512, "height": 1024},
                "guidance_scale": 3.5,
                "num_inference_steps": 4,
                "negative_prompt": "dogs",
                "seed": 7,
            },
        ),
        (
            "together",
            "https://router.huggingface.co/together/v1/images/generations",
            "application/json",
            {
                "prompt": "a cat",
                "model": FLUX,
                "response_format": "base64",
                "width": 512,
                "height": 1024,
                "guidance": 3.5,
                "steps": 4,
                "negative_prompt": "dogs",
                "seed": 7,
            },
        ),
        (
            "nscale",
            "https://router.huggingface.co/nscale/v1/images/generations",
            "application/json",
            {
                "prompt": "a cat",
                "model": FLUX,
                "response_format": "b64_json",
                "size": "512x1024",
                "guidance_scale": 3.5,
                "negative_prompt": "dogs",
                "seed": 7,
            },
        ),
    ],
)
async def test_every_provider_is_asked_in_its_own_format(
    connect: Callable[..., HuggingFace], provider: Provider, name: str, url: str, accept: str, body: Any
) -> None:
    await connect(provider=name).generate(FULL)

    request = provider.requests[0]
    assert (request.method, str(request.url)) == ("POST", url)
    assert request.headers["accept"] == accept
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert provider.sent == body


async def test_a_deployment_is_called_at_its_own_address_and_asked_to_wake_up(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    url = "https://abc.eu-west-1.aws.endpoints.huggingface.cloud"

    await connect(provider="endpoint", url=url, timeout=45.0).generate(ImageSpec("a cat", 512, 512))

    assert str(provider.requests[0].url) == url
    assert provider.requests[0].headers["x-scale-up-timeout"] == "45"
    assert provider.sent == {"inputs": "a cat", "parameters": {"width": 512, "height": 512}}


async def test_the_bill_goes_to_the_organisation_that_is_named(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    await connect(bill_to="acme").generate(ImageSpec("a cat"))
    await connect().generate(ImageSpec("a cat"))

    assert [request.headers.get("x-hf-bill-to") for request in provider.requests] == ["acme", None]


@pytest.mark.parametrize(
    ("model", "steps", "expected"),
    [(FLUX, None, 2), ("stabilityai/sdxl-turbo", None, 2), ("stabilityai/sd-3", None, 12), (FLUX, 6, 6)],
)
async def test_fast_means_few_steps_unless_steps_are_given(
    connect: Callable[..., HuggingFace], provider: Provider, model: str, steps: int | None, expected: int
) -> None:
    await connect(model).generate(ImageSpec("a cat", fast=True, num_inference_steps=steps))

    assert provider.sent["parameters"]["num_inference_steps"] == expected


@pytest.mark.parametrize(
    ("options", "expected_url", "expected_model"),
    [
        ({}, "https://router.huggingface.co/hf-inference/models/acme/sd-4.5_x", None),
        (
            {"url": f"http://127.0.0.1:9/hf-inference/models/{FLUX}"},
            "http://127.0.0.1:9/hf-inference/models/acme/sd-4.5_x",
            None,
        ),
        (
            {"provider": "together"},
            "https://router.huggingface.co/together/v1/images/generations",
            "acme/sd-4.5_x",
        ),
        ({"provider": "nscale", "url": "http://127.0.0.1:9/n"}, "http://127.0.0.1:9/n", "acme/sd-4.5_x"),
    ],
)
async def test_a_request_may_name_another_model(
    connect: Callable[..., HuggingFace],
    provider: Provider,
    options: dict[str, str],
    expected_url: str,
    expected_model: str | None,
) -> None:
    await connect(**options).generate(ImageSpec("a cat", model="acme/sd-4.5_x"))

    assert str(provider.requests[0].url) == expected_url
    assert provider.sent.get("model") == expected_model


async def test_a_deployment_does_not_pretend_to_be_another_model(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    client = connect(provider="endpoint", url="https://abc.endpoints.huggingface.cloud")

    with pytest.raises(ModelUnavailable, match="leave `model` out"):
        await client.generate(ImageSpec("a cat", model="acme/other"))

    assert provider.requests == []


@pytest.mark.parametrize(
    "model",
    [
        "flux",
        "../x",
        "a/..",
        "a/.",
        "a/b/c",
        "a/b?x=1",
        "a/b#",
        "a /b",
        "a/b\n",
        "-a/b",
        "a/ü",
        "/a/b",
        "http://x/y",
        "a/" + "b" * 97,
    ],
)
async def test_a_model_name_cannot_leave_its_place_in_the_url(
    connect: Callable[..., HuggingFace], provider: Provider, model: str
) -> None:
    with pytest.raises(InvalidPrompt, match="owner/name"):
        await connect().generate(ImageSpec("a cat", model=model))

    assert provider.requests == []


async def test_a_number_that_json_does_not_have_is_refused(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    with pytest.raises(InvalidPrompt, match="not finite"):
        await connect().generate(ImageSpec("a cat", guidance_scale=float("nan")))

    assert provider.requests == []


async def test_half_a_surrogate_pair_is_sent_escaped(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    await connect().generate(ImageSpec("cat \ud83d"))

    assert b'"cat \\ud83d"' in provider.requests[0].content


# --- what comes back ------------------------------------------------------------------------------


async def test_raw_bytes_are_sniffed_and_not_believed(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    provider.answers = [httpx.Response(200, content=PICTURE, headers={"content-type": "image/jpeg"})]

    raw = await connect().generate(ImageSpec("a cat"))

    assert (raw.data, raw.content_type, raw.width, raw.height) == (PICTURE, "image/png", 64, 48)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("hf-inference", {"data": [{"b64_json": B64}]}),
        ("together", {"data": [{"b64_json": B64}], "id": "x"}),
        ("nscale", {"data": [{"b64_json": B64}]}),
        ("fal-ai", {"images": [{"url": f"data:image/png;base64,{B64}"}], "has_nsfw_concepts": [False]}),
    ],
)
async def test_a_picture_inside_json_is_unpacked(
    connect: Callable[..., HuggingFace], provider: Provider, name: str, document: Any
) -> None:
    provider.answers = [httpx.Response(200, json=document)]

    assert (await connect(provider=name).generate(ImageSpec("a cat"))).data == PICTURE


async def test_a_linked_picture_is_fetched_without_the_token(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    link = "https://v3.fal.media/files/cat.png"
    provider.answers = [
        httpx.Response(200, json={"images": [{"url": link}], "has_nsfw_concepts": [False]}),
        httpx.Response(200, content=PICTURE),
    ]

    raw = await connect(provider="fal-ai", bill_to="acme").generate(ImageSpec("a cat"))

    download = provider.requests[1]
    assert raw.data == PICTURE
    assert (download.method, str(download.url)) == ("GET", link)
    assert "authorization" not in download.headers
    assert "x-hf-bill-to" not in download.headers
    assert TOKEN not in repr(download.headers.raw)
    assert provider.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "link",
    [
        "http://v3.fal.media/cat.png",
        "https://v3.fal.media:8443/cat.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/cat.png",
        "http://127.0.0.1:8222/varz",
        "http://localhost/cat.png",
        "https://user@v3.fal.media/cat.png",
        "file:///etc/passwd",
        "//v3.fal.media/cat.png",
        "https://",
        "",
    ],
)
async def test_a_link_to_an_unfit_place_is_not_followed(
    connect: Callable[..., HuggingFace], provider: Provider, link: str
) -> None:
    provider.answers = [httpx.Response(200, json={"images": [{"url": link}]})]

    with pytest.raises(ProviderUnavailable, match="link"):
        await connect(provider="fal-ai").generate(ImageSpec("a cat"))

    assert len(provider.requests) == 1


def test_a_provider_on_loopback_may_link_to_loopback() -> None:
    assert link_fault("http://127.0.0.1:8081/cat.png", loopback=True) is None
    assert link_fault("http://127.0.0.1:8081/cat.png", loopback=False) == "points to this machine"


async def test_only_a_provider_that_answers_with_links_has_them_followed(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    provider.answers = [httpx.Response(200, json={"output": ["https://v3.fal.media/cat.png"]})]

    with pytest.raises(ProviderUnavailable, match="link"):
        await connect().generate(ImageSpec("a cat"))

    assert len(provider.requests) == 1


async def test_a_file_host_that_fails_is_the_provider_failing(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    provider.answers = [
        httpx.Response(200, json={"images": [{"url": "https://v3.fal.media/cat.png"}]}),
        httpx.Response(403, text="<Error>AccessDenied</Error>"),
    ]

    with pytest.raises(ProviderUnavailable, match="file host answered 403"):
        await connect(provider="fal-ai").generate(ImageSpec("a cat"))


async def test_a_flagged_picture_is_blocked_and_not_fetched(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    document = {"images": [{"url": "https://v3.fal.media/cat.png"}], "has_nsfw_concepts": [True]}
    provider.answers = [httpx.Response(200, json=document)]

    with pytest.raises(ContentBlocked):
        await connect(provider="fal-ai").generate(ImageSpec("a cat"))

    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>log in</html>", headers={"content-type": "text/html"}),
        httpx.Response(200, content=b"", headers={"content-type": "image/png"}),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json={"data": [{"b64_json": "!"}]}),
        httpx.Response(200, json={"data": [{"b64_json": 5}]}),
        httpx.Response(200, json={"data": {"0": 1}, "images": 3, "has_nsfw_concepts": 4}),
        httpx.Response(200, json=[1, 2]),
        httpx.Response(200, content=b"{oops", headers={"content-type": "application/json"}),
        httpx.Response(200, content=b'{"a":' + b"[" * 200_000, headers={"content-type": "application/json"}),
        httpx.Response(204),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(200, content=PICTURE[:12]),
        httpx.Response(200, content=PICTURE, headers={"content-length": "999999999"}),
        httpx.Response(200, content=b"\0" * 3000),
        httpx.Response(200, content=png(2049, 2048)),
    ],
)
async def test_nonsense_is_one_named_error_and_one_request(
    connect: Callable[..., HuggingFace], provider: Provider, answer: httpx.Response
) -> None:
    """Pages, empty bodies, odd JSON, redirects, truncated or too much: retryable, no crash."""
    provider.answers = [answer]

    with pytest.raises(ProviderUnavailable):
        await connect(max_bytes=100_000).generate(ImageSpec("a cat"))

    assert len(provider.requests) == 1


async def test_a_compressed_answer_is_refused_unread(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    answer = httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x8b"), headers={"content-encoding": "gzip"})
    provider.answers = [answer]

    with pytest.raises(ProviderUnavailable, match="compressed"):
        await connect().generate(ImageSpec("a cat"))


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "document", "kind", "names"),
    [
        (401, {"error": "Invalid username or password."}, ProviderAuthError, "HF_API_TOKEN"),
        (403, {"error": "insufficient permissions"}, ProviderAuthError, "Inference Providers"),
        (402, {"error": "depleted your monthly included credits"}, ProviderQuotaError, "HF_BILL_TO"),
        (404, {"error": "Not Found"}, ModelUnavailable, "HF_MODEL"),
        (410, {"error": "The requested model is deprecated"}, ModelUnavailable, "HF_MODEL"),
        (400, {"error": "Model a/b is not supported by provider hf-inference"}, ModelUnavailable, "HF_MODEL"),
        (400, {"error": ["height must be divisible by 8"]}, InvalidPrompt, "divisible by 8"),
        (413, {"message": "too long"}, InvalidPrompt, "too long"),
        (422, {"detail": [{"loc": ["steps"], "msg": "too many"}]}, InvalidPrompt, "too many"),
        (422, {"error": {"message": "Prompt may contain NSFW content"}}, ContentBlocked, "NSFW"),
        (418, {}, InvalidPrompt, "418"),
        (429, {"error": "Too many requests"}, ProviderRateLimited, "429"),
        (408, {}, ProviderTimeout, "408"),
        (504, {}, ProviderTimeout, "504"),
        (500, {"error": "CUDA out of memory"}, ProviderUnavailable, "CUDA"),
        (502, None, ProviderUnavailable, "502"),
        (503, {"error": "loading", "estimated_time": 20.0}, ProviderUnavailable, "loading"),
        (599, {"error": None}, ProviderUnavailable, "599"),
        (307, {}, ProviderUnavailable, "307"),
    ],
)
async def test_every_status_has_a_name(
    connect: Callable[..., HuggingFace],
    provider: Provider,
    status: int,
    document: Any,
    kind: type[GenerationError],
    names: str,
) -> None:
    page = httpx.Response(status, text="<html>bad gateway</html>")
    provider.answers = [page if document is None else httpx.Response(status, json=document)]

    with pytest.raises(GenerationError) as caught:
        await connect().generate(ImageSpec("a cat"))

    assert type(caught.value) is kind
    assert names in str(caught.value)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "document", "expected"),
    [
        (429, {"retry-after": "7"}, {}, 7.0),
        (429, {"retry-after": "3600"}, {}, 60.0),
        (429, {"retry-after": "-5"}, {}, 0.0),
        (429, {"retry-after": "nan"}, {}, None),
        (429, {"retry-after": "soon"}, {}, None),
        (429, {"retry-after": "Fri, 15 Jan 2027 08:00:25 GMT"}, {}, 25.0),
        (429, {"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, {}, 0.0),
        (429, {"ratelimit": '"api";r=0;t=12'}, {}, 12.0),
        (429, {"retry-after": "3", "ratelimit": '"api";r=0;t=12'}, {}, 3.0),
        (503, {"ratelimit": '"api";r=400;t=250'}, {}, None),
        (503, {}, {"error": "loading", "estimated_time": 20.5}, 20.5),
        (503, {}, {"error": "loading", "estimated_time": 1e300}, 60.0),
        (503, {}, {"error": "loading", "estimated_time": "soon"}, None),
        (503, {"retry-after": "4"}, {"estimated_time": 20}, 4.0),
        (500, {}, {}, None),
        (401, {"retry-after": "7"}, {}, None),
    ],
)
async def test_the_provider_says_when_to_come_back(
    connect: Callable[..., HuggingFace],
    provider: Provider,
    status: int,
    headers: dict[str, str],
    document: Any,
    expected: float | None,
) -> None:
    provider.answers = [httpx.Response(status, headers=headers, json=document)]

    with pytest.raises(GenerationError) as caught:
        await connect().generate(ImageSpec("a cat"))

    assert caught.value.retry_after == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_no_message_repeats_the_token(
    connect: Callable[..., HuggingFace], provider: Provider, status: int
) -> None:
    provider.answers = [
        httpx.Response(status, json={"error": f"bad\r\n\x1b[31mheader 'Bearer {TOKEN}'" + "x" * 999})
    ]

    with pytest.raises(GenerationError) as caught:
        await connect().generate(ImageSpec("a cat"))

    message = str(caught.value)
    assert "Bearer ***" in message
    assert TOKEN not in message
    assert message.isprintable()
    assert len(message) < 400


async def test_a_page_that_poses_as_a_picture_cannot_smuggle_the_token_into_a_message(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    provider.answers = [httpx.Response(200, text=f"denied: Authorization: Bearer {TOKEN}")]

    with pytest.raises(ProviderUnavailable, match=r"Bearer \*\*\*") as caught:
        await connect().generate(ImageSpec("a cat"))

    assert TOKEN not in str(caught.value)


async def test_a_picture_that_happens_to_contain_the_token_is_left_alone(
    connect: Callable[..., HuggingFace],
) -> None:
    """A short token for a provider on loopback is likely to occur in a few megabytes of pixels."""
    assert (await connect(token="ID").generate(ImageSpec("a cat"))).data == PICTURE


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError(f"cannot connect with Bearer {TOKEN}"), ProviderUnavailable),
        (httpx.ReadError("reset"), ProviderUnavailable),
        (httpx.RemoteProtocolError("cut"), ProviderUnavailable),
        (httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"), ProviderUnavailable),
        (httpx.ReadTimeout("slow"), ProviderTimeout),
        (httpx.ConnectTimeout("slow"), ProviderTimeout),
        (httpx.PoolTimeout("busy"), ProviderTimeout),
    ],
)
async def test_a_broken_wire_is_one_named_error(
    connect: Callable[..., HuggingFace], provider: Provider, failure: Exception, kind: type[GenerationError]
) -> None:
    provider.answers = [failure]

    with pytest.raises(GenerationError) as caught:
        await connect().generate(ImageSpec("a cat"))

    assert type(caught.value) is kind
    assert TOKEN not in str(caught.value)


async def test_a_cancelled_call_is_cancelled_and_nothing_else() -> None:
    reached = asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        reached.set()
        return await asyncio.Future()

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as client:
        call = asyncio.create_task(HuggingFace(FLUX, token=TOKEN, client=client).generate(ImageSpec("a cat")))
        await reached.wait()
        call.cancel()

        with pytest.raises(asyncio.CancelledError):
            await call


# --- the throttle ---------------------------------------------------------------------------------


async def test_a_provider_that_is_down_is_spared_most_calls(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    client = connect(throttle=Throttle(clock=lambda: 0.0, rng=lambda: 0.4))
    provider.answers = [httpx.Response(503)]

    with pytest.raises(ProviderUnavailable, match="503"):
        await client.generate(ImageSpec("a cat"))
    with pytest.raises(ProviderUnavailable, match="not sent") as refused:
        await client.generate(ImageSpec("a cat"))

    assert refused.value.retry_after is not None
    assert len(provider.requests) == 1


async def test_a_bad_request_says_nothing_about_the_provider(
    connect: Callable[..., HuggingFace], provider: Provider
) -> None:
    throttle = Throttle(clock=lambda: 0.0, rng=lambda: 0.0)
    client = connect(throttle=throttle)

    for status in (400, 401, 402, 404, 422):
        provider.answers = [httpx.Response(status)]
        with pytest.raises(GenerationError):
            await client.generate(ImageSpec("a cat"))

    assert throttle.refusal_probability() == 0.0


# --- opening and closing --------------------------------------------------------------------------


async def test_a_client_that_was_given_is_left_open() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(Provider())) as client:
        await HuggingFace(FLUX, client=client).aclose()

        assert not client.is_closed


async def test_a_client_of_our_own_follows_nothing_and_is_closed() -> None:
    model = HuggingFace(FLUX, token=TOKEN)

    assert not model._client.follow_redirects
    assert not model._client.trust_env

    await model.aclose()

    assert model._client.is_closed


HOSTILE_URLS = [
    "http://router.huggingface.co/hf-inference/models/a/b",
    "https://router.huggingface.co:8443/x",
    "https://router.huggingface.co.evil.example/x",
    "https://evilrouter.huggingface.co/x",
    "https://router.huggingface.co@evil.example/x",
    "https://user:pw@router.huggingface.co/x",
    "https://evil.example/router.huggingface.co",
    "https://evil.example#@router.huggingface.co/x",
    "https://evil.example\\@router.huggingface.co/x",
    "https://router.huggingface.co\\.evil.example/x",
    "https://endpoints.huggingface.cloud/x",
    "https://.endpoints.huggingface.cloud/x",
    "https://evil.example/.endpoints.huggingface.cloud",
    "https://router.huggingface.co./x",
    "https://router.huggingface.co%2eevil.example/x",
    "https://router.huggingface.co:x/",
    "https://router.huggingface.co/x\r\nHost: evil.example",
    "https://router.huggingfac\u0435.co/x",
    "http://169.254.169.254/latest/meta-data",
    "https://[::ffff:169.254.169.254]/",
    "http://0.0.0.0:8000/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.1.evil.example/",
    "http://localhost.evil.example/",
    "http://nats.messaging.svc.cluster.local:8222/varz",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "//router.huggingface.co/x",
    "https://[",
    "router.huggingface.co",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_at_the_start(url: str) -> None:
    settings = Settings.from_env({"HF_API_TOKEN": TOKEN, "HF_API_URL": url})

    with pytest.raises(SettingsError, match="HF_API_URL"):
        open_image_model(settings)


@pytest.mark.parametrize(
    "url",
    [
        "https://router.huggingface.co/hf-inference/models/a/b",
        "https://ROUTER.huggingface.co:443/x?y=1",
        "https://abc.eu-west-1.aws.endpoints.huggingface.cloud",
        "http://127.0.0.1:8081/hf-inference/models/a/b",
        "http://localhost/x",
        "https://localhost:8443/x",
    ],
)
def test_a_listed_url_is_taken_as_it_is(url: str) -> None:
    assert api_url(Settings.from_env({"HF_API_URL": url}).generation) == url


def test_loopback_can_be_taken_off_the_list() -> None:
    environ = {"HF_API_URL": "http://127.0.0.1:8081/x", "HF_ALLOWED_HOSTS": "router.huggingface.co"}

    with pytest.raises(SettingsError, match="HF_ALLOWED_HOSTS"):
        api_url(Settings.from_env(environ).generation)


async def test_the_retired_url_of_old_manifests_becomes_the_router_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {
        "HF_API_TOKEN": TOKEN,
        "HF_API_URL": "https://api-inference.huggingface.co/models/runwayml/stable-diffusion-v1-5",
    }

    model = open_image_model(Settings.from_env(environ))
    assert isinstance(model, HuggingFace)
    url, _ = model._request(ImageSpec("a cat"))
    await model.aclose()

    assert url == f"https://router.huggingface.co/hf-inference/models/{FLUX}"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stable-diffusion-v1-5 is gone" in caplog.text
    assert FLUX in caplog.text


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"IMAGE_PROVIDER": "huggingface"}, "HF_API_TOKEN is empty.*IMAGE_PROVIDER=artist"),
        ({"IMAGE_PROVIDER": "huggingface", "HF_API_URL": "https://router.huggingface.co/x"}, "HF_API_TOKEN"),
        ({"HF_API_TOKEN": TOKEN, "HF_PROVIDER": "endpoint"}, "HF_API_URL"),
        ({"HF_API_TOKEN": "hf_a\nb"}, "HF_API_TOKEN"),
        ({"HF_API_TOKEN": "hf_ä"}, "HF_API_TOKEN"),
        ({"HF_API_TOKEN": TOKEN, "HF_BILL_TO": "a b"}, "HF_BILL_TO"),
        ({"HF_API_TOKEN": TOKEN, "HF_MODEL": "flux"}, "HF_MODEL"),
        ({"HF_API_TOKEN": TOKEN, "HF_MODEL": "a/../b"}, "HF_MODEL"),
        ({"HF_API_TOKEN": TOKEN, "HF_MODEL": "a/.."}, "HF_MODEL"),
    ],
)
def test_a_configuration_that_cannot_work_says_what_to_do(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        open_image_model(Settings.from_env(environ))

    assert environ.get("HF_API_TOKEN", TOKEN) not in str(caught.value)


async def test_a_provider_on_loopback_needs_no_token() -> None:
    environ = {"IMAGE_PROVIDER": "huggingface", "HF_API_URL": "http://127.0.0.1:8081/"}

    model = open_image_model(Settings.from_env(environ))
    assert isinstance(model, HuggingFace)
    await model.aclose()

    assert "Authorization" not in model._headers()


async def test_the_settings_arrive() -> None:
    environ = {
        "HF_API_TOKEN": f"{TOKEN}\n",
        "HF_PROVIDER": "together",
        "HF_MODEL": "acme/sd-4",
        "HF_BILL_TO": "acme",
        "HF_TIMEOUT": "9",
    }

    model = open_image_model(Settings.from_env(environ))
    assert isinstance(model, HuggingFace)
    await model.aclose()

    assert (model.name, model.model, model.captions_itself) == ("huggingface", "acme/sd-4", False)
    assert model._headers()["Authorization"] == f"Bearer {TOKEN}"
    assert model._headers()["X-HF-Bill-To"] == "acme"
    assert model._timeout == 9.0


async def test_without_a_token_the_offline_artist_draws() -> None:
    model = open_image_model(Settings())
    await model.aclose()

    assert model.name == "artist"
