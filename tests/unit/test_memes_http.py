"""The routes of memes over in-memory twins: what is read, what is called, what is answered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator

import pytest

from memebattle.bus.idempotency import Answer
from memebattle.bus.refusals import IdConflict, Unavailable
from memebattle.bus.requests import MemoryRequests
from memebattle.generation.gallery import pack
from memebattle.generation.ports import Meme
from memebattle.kit.http import preferred_wait
from memebattle.memes.asking import Asking
from memebattle.memes.messages import MemeRequest
from tests.desk import Desk, open_desk
from tests.toys import picture

CAT = {"id": "cat-1", "prompt": "a cat"}
CAT_ANSWER = b'{"request_id":"cat-1","odd":  "spacing"}'


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        yield desk


async def test_a_request_is_accepted_stored_and_named(desk: Desk) -> None:
    """202 with the place to look; what is stored is the request under its id."""
    response = await desk.http.post("/api/memes", json=CAT)

    assert response.status_code == 202
    assert response.headers["location"] == "/api/memes/cat-1"
    assert response.json() == {"request_id": "cat-1", "status": "accepted"}
    assert json.loads(desk.requests.submitted["cat-1"]) == {
        "id": "cat-1",
        "prompt": "a cat",
        "fast_mode": False,
        "small_image": False,
    }


async def test_a_request_without_an_id_gets_one_nobody_guesses(desk: Desk) -> None:
    """Two requests, two ids of at least 22 characters that may stand in a subject."""
    first, second = [
        (await desk.http.post("/api/memes", json={"prompt": "a cat"})).json()["request_id"] for _ in range(2)
    ]

    assert first != second
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,64}", first)
    assert set(desk.requests.submitted) == {first, second}


async def test_the_answer_is_passed_through_byte_for_byte(desk: Desk) -> None:
    """What the workers wrote is what the client reads."""
    await desk.answer("cat-1", CAT_ANSWER, prompt="a cat")

    response = await desk.http.get("/api/memes/cat-1")

    assert (response.status_code, response.content) == (200, CAT_ANSWER)
    assert response.headers["content-type"] == "application/json"


async def test_an_error_answer_is_an_answer_too(desk: Desk) -> None:
    """It is stored under 200: the request was answered, and the body says how."""
    await desk.answers.publish(Answer("cat-1", "error", b'{"error":"no"}', "digest"))

    assert (await desk.http.get("/api/memes/cat-1")).json() == {"error": "no"}


async def test_an_accepted_request_is_pending_and_an_unknown_one_is_not_found(desk: Desk) -> None:
    """202 with a hint when to look again; 404 for an id nobody asked with."""
    await desk.http.post("/api/memes", json=CAT)

    pending, unknown = await desk.http.get("/api/memes/cat-1"), await desk.http.get("/api/memes/dog-1")

    assert (pending.status_code, pending.json()["status"]) == (202, "pending")
    assert pending.headers["retry-after"] == "1"
    assert unknown.status_code == 404


async def test_another_gateway_knows_what_this_one_accepted(desk: Desk) -> None:
    """The memory of accepted ids is shared."""
    await desk.http.post("/api/memes", json=CAT)

    async with open_desk(asked=desk.asked) as other:
        assert (await other.http.get("/api/memes/cat-1")).status_code == 202


@pytest.mark.parametrize("bad_id", ["a.b", "a*b", "x" * 65, "%20", "%3E"])
async def test_an_id_that_cannot_be_a_subject_token_is_refused(desk: Desk, bad_id: str) -> None:
    """It never reaches NATS."""
    for method in ("GET", "DELETE"):
        assert (await desk.http.request(method, f"/api/memes/{bad_id}")).status_code == 422
    assert desk.requests.cancelled == []


async def test_the_same_request_again_gets_the_stored_answer(desk: Desk) -> None:
    """200 at once; nothing is published."""
    await desk.answer("cat-1", CAT_ANSWER, prompt="a cat")

    response = await desk.http.post("/api/memes", json=CAT)

    assert (response.status_code, response.content) == (200, CAT_ANSWER)
    assert desk.requests.submitted == {}


async def test_a_request_goes_on_in_the_trace_of_its_client(desk: Desk) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    header = f"00-{trace}-00f067aa0ba902b7-01"
    await desk.http.post("/api/memes", json=CAT, headers={"traceparent": header})

    assert desk.requests.traces["cat-1"].startswith(f"00-{trace}-")
    assert desk.requests.traces["cat-1"] != header


@pytest.mark.parametrize("is_answered", [True, False])
async def test_the_same_id_for_another_prompt_is_a_conflict(desk: Desk, is_answered: bool) -> None:
    """Whether it was answered or is still in work."""
    await desk.http.post("/api/memes", json=CAT)
    if is_answered:
        await desk.answer("cat-1", CAT_ANSWER, prompt="a cat")

    response = await desk.http.post("/api/memes", json={**CAT, "prompt": "a dog"})

    assert response.status_code == 409
    assert response.json()["type"] == "urn:memebattle:problem:id-conflict"
    assert b"a dog" not in desk.requests.submitted["cat-1"]


async def test_who_asks_makes_no_conflict(desk: Desk) -> None:
    """The same wish under the same id from another client is the same request."""
    await desk.answer("cat-1", CAT_ANSWER, prompt="a cat")

    response = await desk.http.post("/api/memes", json={**CAT, "client_id": "somebody-else"})

    assert response.status_code == 200


async def test_prefer_wait_holds_the_response_for_the_answer(desk: Desk) -> None:
    """The answer comes while the client waits."""

    class Answering(MemoryRequests):
        async def submit(self, request_id: str, body: bytes, traceparent: str = "") -> None:
            await desk.answer(request_id, CAT_ANSWER, prompt="a cat")

    async with open_desk(desk=Desk(answers=desk.answers), requests=Answering(desk.answers)) as waiting:
        response = await waiting.http.post("/api/memes", json=CAT, headers={"Prefer": "wait=10"})

    assert (response.status_code, response.content) == (200, CAT_ANSWER)
    assert response.headers["preference-applied"] == "wait=10"


async def test_waiting_is_bounded_by_the_gateway() -> None:
    """GATEWAY_MAX_WAIT=0 turns waiting off; the client is told by what is not there."""
    async with open_desk({"GATEWAY_MAX_WAIT": "0"}) as desk:
        response = await desk.http.post("/api/memes", json=CAT, headers={"Prefer": "wait=3600"})

    assert response.status_code == 202
    assert "preference-applied" not in response.headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=5"], 5),
        (['wait="7"'], 7),
        (["respond-async, WAIT = 12"], 12),
        (["respond-async", "wait=3; foo"], 3),
        (["wait=3, wait=9"], 3),
        (["wait=soon"], None),
        (["wait=-1"], None),
        (["await=4"], None),
        (["wait=99999999999999999999"], None),
    ],
)
def test_prefer_is_read_as_rfc_7240_says(headers: list[str], seconds: int | None) -> None:
    """The first preference counts; one that cannot be read is ignored, never an error."""
    assert preferred_wait(headers) == seconds


async def test_delete_tells_the_workers(desk: Desk) -> None:
    """202: whether it was in time, the answer will say."""
    response = await desk.http.delete("/api/memes/cat-1")

    assert (response.status_code, response.json()["status"]) == (202, "cancelling")
    assert desk.requests.cancelled == ["cat-1"]


async def test_without_nats_nobody_waits_for_a_refusal(desk: Desk) -> None:
    """Asked before anything is tried."""
    desk.is_connected = False
    asking = Asking(desk.requests, desk.answers, desk.asked, lambda: False)

    with pytest.raises(Unavailable):
        await asking.ask(MemeRequest(prompt="a cat"), wait=30)
    assert desk.requests.submitted == {}


async def test_a_conflict_is_told_from_another_spelling_of_the_same_wish(desk: Desk) -> None:
    """Trimmed and normalised prompts are the same; a changed size is not."""
    asking = Asking(desk.requests, desk.answers, desk.asked, lambda: True)
    await asking.ask(MemeRequest.model_validate(CAT))

    await asking.ask(MemeRequest.model_validate({**CAT, "prompt": "  a cat\u0007 "}))
    with pytest.raises(IdConflict):
        await asking.ask(MemeRequest.model_validate({**CAT, "small_image": True}))


@pytest.fixture
async def stored(desk: Desk) -> Meme:
    """A picture that only the object store has."""
    data = picture().data
    meme = Meme(data, "image/webp", 16, 16, hashlib.sha256(data).hexdigest(), "toy", "toy-1")
    await desk.images.put(meme)
    return meme


async def test_a_picture_is_served_for_ever(desk: Desk, stored: Meme) -> None:
    """Content-addressed: immutable, with its hash as ETag."""
    response = await desk.http.get(f"/images/{stored.sha256}.webp")

    assert (response.status_code, response.content) == (200, stored.data)
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["etag"] == f'"{stored.sha256}"'
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_head_says_the_same_without_the_picture(desk: Desk, stored: Meme) -> None:
    """Length and type; servers leave the body away."""
    response = await desk.http.head(f"/images/{stored.sha256}.webp")

    assert (response.status_code, response.headers["content-length"]) == (200, str(len(stored.data)))


@pytest.mark.parametrize("tag", ['"{0}"', 'W/"{0}"', '"other", "{0}"'])
async def test_who_has_the_picture_does_not_get_it_again(desk: Desk, stored: Meme, tag: str) -> None:
    """304 without a body."""
    headers = {"If-None-Match": tag.format(stored.sha256)}

    response = await desk.http.get(f"/images/{stored.sha256}.webp", headers=headers)

    assert (response.status_code, response.content) == (304, b"")


async def test_a_cached_picture_is_found_by_its_hash(desk: Desk, stored: Meme) -> None:
    """The cache keeps it under the digest of the wish, with a pointer."""
    data = stored.data + b"\0"
    meme = Meme(data, "image/webp", 16, 16, hashlib.sha256(data).hexdigest(), "toy", "toy-1")
    await desk.cache.put("meme:digest", pack(meme))
    await desk.cache.put(f"image:{meme.sha256}", b"meme:digest")

    assert (await desk.http.get(f"/images/{meme.sha256}.webp")).content == data


async def test_bytes_that_are_not_what_their_name_says_are_not_served(desk: Desk, stored: Meme) -> None:
    """A stale pointer or a damaged object is a 404, never a wrong picture."""
    wrong = "0" * 64
    await desk.cache.put("meme:digest", pack(stored))
    await desk.cache.put(f"image:{wrong}", b"meme:digest")

    response = await desk.http.get(f"/images/{wrong}.webp")

    assert (response.status_code, response.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize("name", ["abc", "A" * 64, "0" * 63, "..%2f..%2fetc%2fpasswd"])
async def test_only_hashes_name_pictures(desk: Desk, name: str) -> None:
    """Everything else is refused before anything is looked up."""
    assert (await desk.http.get(f"/images/{name}.webp")).status_code in {404, 422}
