"""Pictures from HuggingFace: one bounded call, which ends in a picture or in one of eight named errors.

    spec -> shape (how this provider is asked) -> POST -> picture, link or refusal -> header check -> RawImage

The answer is foreign matter: the whole call has one deadline, bodies are counted while they are read, and the
kind and size of the picture come from its first bytes, before any decoder sees it. There is exactly one
attempt: whether and when a request is tried again is the delivery layer's to decide, which can give the
message back; sleeping here would hold it unacknowledged. While HuggingFace keeps refusing, the throttle
refuses in its place.

The token goes to the provider's address and nowhere else: not with redirects (they are not followed), not to
the host that a provider links its pictures on, not into a message.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable

from memebattle.generation.pictures import check, sniff
from memebattle.generation.ports import (
    GenerationError,
    ImageSpec,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderTimeout,
    ProviderUnavailable,
    RawImage,
)
from memebattle.generation.providers._http import IDENTITY, BodyRefused, httpx, open_client, read_body
from memebattle.generation.providers.addresses import ROUTER, link_fault, url_is_loopback
from memebattle.generation.providers.faults import Provider, Refusal, named
from memebattle.generation.providers.shapes import SHAPES, Link, picture, provider_id
from memebattle.generation.throttle import Throttle
from memebattle.settings import HuggingFaceProvider

MAX_REFUSAL_BYTES = 64 * 1024

HUGGINGFACE = Provider(
    "HuggingFace",
    {
        ProviderAuthError: "check HF_API_TOKEN: it needs the permission 'Make calls to Inference Providers'",
        ProviderQuotaError: "the credits of HF_API_TOKEN are used up; buy more or set HF_BILL_TO",
        ModelUnavailable: "set HF_MODEL to a model that HF_PROVIDER serves",
    },
)

# what a request may name: `owner/name` of the Hub, nothing that could leave its place in a URL
_MODEL = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/(?!\.{1,2}$)[\w.-]{1,96}", re.ASCII)


class HuggingFace:
    """An `ImageModel` on HuggingFace's inference providers or on a deployment of one's own.

    Args:
        model: the model of the Hub that is used unless a request names another one.
        token: without one only a provider on loopback will answer.
        provider: whose wire format is spoken.
        url: full URL to call, checked before (`addresses.api_url`); None is the router.
        bill_to: organisation to bill; empty for the token's owner.
        timeout: seconds for the whole call, the download of a linked picture included.
        max_bytes: largest answer that is read.
        max_pixels: largest picture that is accepted.
        connections: calls in work at one time; sizes the pool of a client of our own.
        throttle: shared by everybody who calls this provider.
        client: used and left open; None opens one that `aclose` closes.
        now: unix seconds.
    """

    name = "huggingface"
    style_version = "1"
    captions_itself = False

    def __init__(
        self,
        model: str,
        *,
        token: str = "",
        provider: HuggingFaceProvider = "hf-inference",
        url: str | None = None,
        bill_to: str = "",
        timeout: float = 60.0,
        max_bytes: int = 8 * 1024 * 1024,
        max_pixels: int = 2048 * 2048,
        connections: int = 32,
        throttle: Throttle | None = None,
        client: httpx.AsyncClient | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.model = model
        self._token = token
        self._provider = provider
        self._shape = SHAPES[provider]
        self._own_url = url
        self._bill_to = bill_to
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._throttle = throttle or Throttle()
        self._owns_client = client is None
        self._client = client or open_client(timeout=timeout, connections=connections)
        self._now = now

    async def generate(self, spec: ImageSpec) -> RawImage:
        """Ask once for one picture.

        Raises:
            GenerationError: one of the subclasses in `ports`; retryable ones may carry `retry_after`.
        """
        url, body = self._request(spec)
        self._throttle.admit()
        try:
            raw = await self._draw(url, body)
        except GenerationError as error:
            self._throttle.record(accepted=not error.retryable)
            raise
        self._throttle.record(accepted=True)
        return raw

    async def aclose(self) -> None:
        """Close the connections, if they are ours."""
        if self._owns_client:
            await self._client.aclose()

    def _request(self, spec: ImageSpec) -> tuple[str, bytes]:
        """The URL to call and the JSON to send; refuses what must not leave the house."""
        model = spec.model or self.model
        if spec.model and not _MODEL.fullmatch(spec.model):
            raise InvalidPrompt("`model` must look like owner/name")
        their_id = provider_id(self._provider, model)
        try:
            # NaN is no JSON; a lone surrogate is escaped here, where httpx's own encoder would fail on it
            body = json.dumps(self._shape.body(spec, their_id), allow_nan=False).encode()
        except ValueError:
            raise InvalidPrompt("the parameters contain a number that is not finite") from None
        return self._url(model, their_id), body

    def _url(self, model: str, their_id: str) -> str:
        if self._own_url is None:
            return f"{ROUTER}/{self._shape.path.format(model=their_id)}"
        if model == self.model or self._shape.model_in_body:
            return self._own_url
        prefix = self._own_url.removesuffix(provider_id(self._provider, self.model))
        if prefix != self._own_url and self._shape.path:
            return prefix + their_id
        # answering with another model's picture under this one's name would be a lie, and cached as one
        raise ModelUnavailable(f"HF_API_URL serves {self.model} only; leave `model` out")

    async def _draw(self, url: str, body: bytes) -> RawImage:
        """The call under its deadline, with every way to fail made one of ours."""
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._ask(url, body)
                if isinstance(found, Link):
                    found = await self._fetch(found.url, loopback=url_is_loopback(url))
        except (TimeoutError, httpx.TimeoutException):
            raise ProviderTimeout(f"HuggingFace did not answer within {self._timeout:g} s") from None
        except BodyRefused as error:
            raise ProviderUnavailable(f"HuggingFace: {error}") from None
        except httpx.HTTPError as error:
            # only the kind: httpx's texts may quote headers
            raise ProviderUnavailable(f"HuggingFace is out of reach ({type(error).__name__})") from None
        if self._token and sniff(found) is None:
            # some page posing as a picture: it may repeat our headers, and the check is going to quote it
            found = found.replace(self._token.encode(), b"***")
        return check(found, max_bytes=self._max_bytes, max_pixels=self._max_pixels)

    async def _ask(self, url: str, body: bytes) -> bytes | Link:
        async with self._client.stream(
            "POST", url, content=body, headers=self._headers(), follow_redirects=False
        ) as response:
            if not response.is_success:
                text = await read_body(response, MAX_REFUSAL_BYTES, cut=True)
                refusal = Refusal(response.status_code, response.headers, text)
                raise named(refusal, provider=HUGGINGFACE, secret=self._token, now=self._now())
            answer = await read_body(response, self._max_bytes)
            return picture(response.headers.get("content-type", ""), answer)

    async def _fetch(self, link: str, *, loopback: bool) -> bytes:
        """Get a linked picture from the provider's file host, as an anonymous visitor."""
        if not self._shape.follows_links:
            raise ProviderUnavailable("the provider answered with a link, which is not its format")
        if fault := link_fault(link, loopback=loopback):
            raise ProviderUnavailable(f"the provider's link to the picture {fault}")
        async with self._client.stream("GET", link, headers=IDENTITY, follow_redirects=False) as response:
            if not response.is_success:
                raise ProviderUnavailable(f"the provider's file host answered {response.status_code}")
            return await read_body(response, self._max_bytes)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": self._shape.accept, "Content-Type": "application/json", **IDENTITY}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._bill_to:
            headers["X-HF-Bill-To"] = self._bill_to
        if self._provider == "endpoint":
            # a deployment scaled to zero holds the request while it wakes up, for as long as we listen
            headers["X-Scale-Up-Timeout"] = str(max(1, int(self._timeout)))
        return headers
