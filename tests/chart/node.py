"""Pods that are processes: what a Deployment, a Job or a test pod in the API server asks for, runs here.

    async with Node(api.store, Machine(addresses, directory)) as node:
        ...

Two controllers of Kubernetes, each as small as it can be, over `kubelet.py`. The one of Deployments keeps as
many pods of the current template as `spec.replicas` says; after a change of the template it starts one new
pod at a time, and ends an old one when the new one is ready (`maxSurge` of one, `maxUnavailable: 0`). The one
of Jobs tries until it succeeds, or `backoffLimit` or `activeDeadlineSeconds` is used up.

`exits` are the ends of all processes, which is what this is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

from tests.chart.containers import CannotRun, Container, Machine
from tests.chart.kubelet import Exit, RunningPod, ended
from tests.chart.kubernetes import Event, Key, Manifest, Store
from tests.chart.kubernetes.controllers import deployment_status, job_status, pod_status
from tests.chart.pods import Pod, pods

USUAL_GRACE = 30  # seconds, Kubernetes' own
USUAL_TRIES = 6


@dataclass(eq=False)
class Node:
    """Runs what the store asks for; an async context manager that ends everything it started."""

    store: Store
    machine: Machine
    running: list[RunningPod] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    waiting: dict[Key, str] = field(default_factory=dict)  # Deployment -> why its pods cannot run
    _lives: list[asyncio.Task[None]] = field(default_factory=list)
    _errands: dict[asyncio.Task[None], Key] = field(default_factory=dict)  # Jobs, and pods of their own
    _closing: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def __aenter__(self) -> Self:
        self._stop = self.store.subscribe(self._changed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()
        self._closing = True
        for pod in self.running:
            pod.end()
        for errand in self._errands:
            errand.cancel()
        results = await asyncio.gather(*self._lives, *self._errands, return_exceptions=True)
        if failures := [each for each in results if isinstance(each, Exception)]:
            raise failures[0]

    def pods(self, deployment: str) -> list[RunningPod]:
        """Those of a Deployment that are not about to end, the oldest first."""
        return [pod for pod in self.running if pod.owner.name == deployment and not pod.is_ending]

    def _changed(self, event: Event) -> None:
        kind = event.key.resource.kind
        if event.change == "DELETED":
            self._forget(event.key)
        elif kind == "Deployment":
            self._reconcile(event.key)
        elif kind == "Job" and event.change == "ADDED":
            self._errands[asyncio.create_task(self._run_job(event.key, event.object))] = event.key
        elif kind == "Pod" and event.change == "ADDED":
            self._errands[asyncio.create_task(self._run_pod(event.key, event.object))] = event.key
        elif kind in {"Secret", "ConfigMap"}:
            for waiting in list(self.waiting):
                self._reconcile(waiting)

    def _forget(self, key: Key) -> None:
        self.waiting.pop(key, None)
        for pod in self.running:
            if pod.owner == key:
                pod.end()
        for errand, owner in self._errands.items():
            if owner == key:
                errand.cancel()

    def _reconcile(self, key: Key) -> None:
        """As many pods as wanted, one step nearer to the current template."""
        if (found := self.store.objects.get(key)) is None or self._closing:
            return
        wanted, template = found["spec"]["replicas"], _digest(found["spec"]["template"])
        current, old = self._generations(key, template)
        ready = sum(pod.is_ready for pod in current)
        for pod in [*_beyond(old, max(0, wanted - ready)), *_beyond(current, wanted)]:
            pod.end()
        for _ in range((min(wanted, ready + 1) if old else wanted) - len(current)):
            self._start(key, found, template)
        self._report(key, found, template)

    def _generations(self, key: Key, template: str) -> tuple[list[RunningPod], list[RunningPod]]:
        """The pods of this template, and the others."""
        mine = [pod for pod in self.running if pod.owner == key and not pod.is_ending]
        return (
            [pod for pod in mine if pod.template == template],
            [pod for pod in mine if pod.template != template],
        )

    def _start(self, key: Key, found: Manifest, template: str) -> None:
        (pod,) = pods([found])
        name = f"{key.name}-{template[:6]}-{next(self._numbers)}"
        try:
            container = self._container(pod, name, key.namespace)
            container.probe("readinessProbe")  # that its port is one we know
        except CannotRun as error:
            self.waiting[key] = str(error)
            return
        self.waiting.pop(key, None)
        grace = pod.spec.get("terminationGracePeriodSeconds", USUAL_GRACE)
        started = RunningPod(name, key, template, pod.labels, container, grace)
        self.running.append(started)
        self._lives.append(asyncio.create_task(self._live(started)))

    async def _live(self, pod: RunningPod) -> None:
        try:
            await pod.live(lambda: self._reconcile(pod.owner), self.exits)
        finally:
            self.running.remove(pod)

    def _report(self, key: Key, found: Manifest, template: str) -> None:
        current, old = self._generations(key, template)
        ready = sum(pod.is_ready for pod in current)
        self.store.set_status(key, deployment_status(found, len(current) + len(old), len(current), ready))

    async def _run_job(self, key: Key, found: Manifest) -> None:
        (pod,), spec = pods([found]), found["spec"]
        succeeded = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(spec.get("activeDeadlineSeconds")):
                for _ in range(spec.get("backoffLimit", USUAL_TRIES) + 1):
                    if succeeded := await self._run_once(key, pod):
                        break
        self.store.set_status(key, job_status(succeeded=succeeded))

    async def _run_pod(self, key: Key, found: Manifest) -> None:
        (pod,) = pods([found])
        self.store.set_status(key, pod_status(succeeded=await self._run_once(key, pod)))

    async def _run_once(self, key: Key, pod: Pod) -> bool:
        """Whether it ended with 0; what it said is its log."""
        try:
            container = self._container(pod, key.name, key.namespace)
        except CannotRun as error:
            self.store.logs[key] = str(error)
            return False
        process = container.process()
        try:
            await process.start()
            code = await ended(process)
        finally:
            await process.stop(1)
        self.exits.append(Exit(key.name, code, asked=False, served=False))
        self.store.logs[key] = container.log.read_text()
        return code == 0

    def _container(self, pod: Pod, name: str, namespace: str) -> Container:
        here = [found for key, found in self.store.objects.items() if key.namespace == namespace]
        addresses = {**self.machine.addresses, **dict(self._services())}
        return Container.of(pod, name, here, replace(self.machine, addresses=addresses))

    def _services(self) -> Iterator[tuple[str, str]]:
        """Every port of a Service that has a ready pod of ours, under the names that a pod may call it by."""
        for service in self.store.all("Service"):
            name, spec = service["metadata"]["name"], service["spec"]
            behind = (pod for pod in self.running if spec["selector"].items() <= pod.labels.items())
            if (pod := next((pod for pod in behind if pod.is_ready), None)) is None:
                continue
            for port in spec["ports"]:
                local = pod.container.local_port(port.get("targetPort", port["port"]))
                for domain in ("", ".svc", ".svc.cluster.local"):
                    host = f"{name}.{service['metadata']['namespace']}{domain}"
                    yield f"{host}:{port['port']}", f"127.0.0.1:{local}"


def _digest(template: Manifest) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()


def _beyond(pods: list[RunningPod], wanted: int) -> list[RunningPod]:
    """Those that go first: not ready before ready, young before old."""
    return sorted(pods, key=lambda pod: pod.is_ready, reverse=True)[wanted:]
