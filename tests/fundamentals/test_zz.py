import pytest, logging, time
from tests.fundamentals.conftest import *
from memebattle.store import redis as R, claims as C, flights as F
from redis.asyncio import Redis


@pytest.mark.parametrize("n", range(25))
async def test_z(platform, redis_server, caplog, n, monkeypatch):
    log = []
    orig = R.RedisStore.do

    def tr(cls, name):
        o = getattr(cls, name)

        async def f(self, *a, **k):
            log.append((round(time.time() % 100, 3), name, "start", a[:1]))
            try:
                r = await o(self, *a, **k)
                log.append((round(time.time() % 100, 3), name, "end", r))
                return r
            except BaseException as e:
                log.append((name, repr(e)[:80]))
                raise

        monkeypatch.setattr(cls, name, f)

    for n_ in ("claim", "release", "done"):
        tr(C.RedisClaims, n_)
    for n_ in ("join", "land"):
        tr(F.RedisFlights, n_)
    tr(R.RedisStore, "aclose")
    from nats.aio.msg import Msg

    tr(Msg, "nak")
    tr(Msg, "ack")
    stuck, fresh = ScriptedModel(), ScriptedModel()
    stuck.hold()
    patient = {"ACK_WAIT": "60", "CLAIM_LEASE": "60", "SHUTDOWN_GRACE": "0"}
    async with platform.worker(stuck, **patient):
        await platform.ask("A cat", id="cat")
        await stuck.started.wait()
    log.append("-----")
    async with platform.worker(fresh, **patient):
        try:
            await wait_until(lambda: platform.answers_to("cat"), "x", timeout=4)
        except AssertionError:
            async with Redis.from_url(redis_server.url) as c:
                for k in await c.keys():
                    print(k, await c.get(k), await c.pttl(k))
            i = await platform.js.consumer_info("MEMES", "meme-generator")
            print(i.num_pending, i.num_ack_pending, i.num_redelivered)
            for l in log:
                print(l)
            raise
