"""Helm's own library, spoken to from an event loop: each call runs in a thread, because it blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import helm_python

type Values = dict[str, Any]
type Release = dict[str, Any]

TIMEOUT = 20  # seconds that Helm waits for what should take milliseconds


@dataclass
class Helm:
    """`helm -n namespace`, waiting as `--wait` does."""

    url: str
    namespace: str
    config: helm_python.Config = field(init=False)

    def __post_init__(self) -> None:
        # an empty kubeconfig: whoever runs the tests may have a real cluster in theirs
        self.config = helm_python.Config(
            kube_apiserver=self.url,
            kubeconfig_content=_NO_CLUSTER,
            namespace=self.namespace,
            qps=-1,
        )

    async def install(self, chart: Path, name: str, values: Values, timeout: int = TIMEOUT) -> Release:
        return await self._call(
            lambda: self.config.install(
                chart, name, values, namespace=self.namespace, wait="watcher", timeout=timeout
            )
        )

    async def upgrade(self, chart: Path, name: str, values: Values, timeout: int = TIMEOUT) -> Release:
        return await self._call(
            lambda: self.config.upgrade(
                chart, name, values, namespace=self.namespace, wait="watcher", timeout=timeout
            )
        )

    async def rollback(self, name: str, version: int, timeout: int = TIMEOUT) -> None:
        await self._call(lambda: self.config.rollback(name, version=version, wait="watcher", timeout=timeout))

    async def test(self, name: str, timeout: int = TIMEOUT) -> Release:
        """`helm test --logs`."""
        return await self._call(lambda: self.config.test(name, logs=True, timeout=timeout))

    async def uninstall(self, name: str, timeout: int = TIMEOUT) -> Release:
        return await self._call(lambda: self.config.uninstall(name, wait="watcher", timeout=timeout))

    async def status(self, name: str) -> Release:
        """The last revision, whatever became of it."""
        return await self._call(lambda: self.config.status(name))

    async def _call[T](self, action: Callable[[], T]) -> T:
        return await asyncio.to_thread(action)


_NO_CLUSTER = """\
apiVersion: v1
kind: Config
clusters: [{name: memory, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: memory, context: {cluster: memory, user: nobody}}]
users: [{name: nobody, user: {}}]
current-context: memory
"""
