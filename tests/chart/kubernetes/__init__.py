"""A Kubernetes API server in memory, for the real Helm and without a cluster.

    async with ApiServer() as api:
        run_by(AtOnce(), api.store)
        await api.helm("meme-generator").install(CHART, "meme-generator", values)

What Helm 4 asks of an API server, in the order in which it asks:

1. `GET /version`, `/api`, `/apis` and one resource list per group version: discovery. Helm learns from it
   which kinds exist and under which path; a kind that is not listed fails the install by name.
2. `GET /openapi/v3/...`: only to see whether a PATCH knows the parameter `fieldValidation`.
3. Secrets of type `helm.sh/release.v1`, one per revision: the memory of Helm. They come as protocol buffers.
4. `PATCH ...?fieldManager=...` with the content type `application/apply-patch+yaml`: server-side apply, for
   every object and every hook. What the last revision applied and this one does not is removed; a field that
   somebody else took over in between is a conflict.
5. `GET ...?watch=true&sendInitialEvents=true`: `--wait` and the hooks look at the status of objects, which
   controllers write. There are none in an API server; see `controllers.py`, and `tests/chart/node.py` for
   pods that run.

One file for each: `resources.py` (1 and 2), `protobuf.py` (3), `ownership.py` (4), `watching.py` (5) with
`selection.py`, `controllers.py`; `store.py` has the objects, `server.py` speaks HTTP. What a write must look
like, validators say, which a test may give to the store.

It runs in the event loop of the test, on loopback, in one thread: nothing is locked, and nothing else runs
while an object changes. Helm blocks, so it is called in a thread of its own (`helm.py`).
"""

from __future__ import annotations

from tests.chart.kubernetes.controllers import AtOnce, run_by
from tests.chart.kubernetes.helm import Helm
from tests.chart.kubernetes.resources import Resource, resource_of
from tests.chart.kubernetes.server import ApiServer
from tests.chart.kubernetes.store import Event, Key, Manifest, Refused, Store

__all__ = [
    "ApiServer",
    "AtOnce",
    "Event",
    "Helm",
    "Key",
    "Manifest",
    "Refused",
    "Resource",
    "Store",
    "resource_of",
    "run_by",
]
