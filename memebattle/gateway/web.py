"""The plain web around the routes: limits, headers, counting, probes, the page and the documents.

The middlewares are plain ASGI: they see every response, also those of mounted applications, and cost no task
per request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memebattle.bootstrap.wiring import Wiring
from memebattle.bus.subjects import is_token
from memebattle.gateway.errors import problem
from memebattle.kit.metrics import Metrics
from memebattle.memes.http import FOR_EVER

STATIC = Path(__file__).parent / "static"
MAX_BODY = 16 * 1024  # bytes; the longest request for a meme is a few kilobytes
KIB = 1024
LARGER_BODIES = {
    "/api/chat": 256 * KIB,  # a message may bring its conversation along
    "/api/v1/prioritization": 64 * KIB,  # a task has two texts of 4,000 characters, of up to 4 bytes each
    "/api/v1/prioritization/batch": 4096 * KIB,
    "/api/v1/prioritization/simulate": 4096 * KIB,
}

NOT_KEPT = {"Cache-Control": "no-store"}

PAGE_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI styles itself inline; scripts stay ours there too
DOCS_POLICY = PAGE_POLICY + "; style-src 'self' 'unsafe-inline'"

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class BodyLimit:
    """Refuses bodies over `limit` bytes, announced (`Content-Length`) or not (chunked).

    `larger` has the limits of paths that may take more, and of what lies beneath them.
    """

    def __init__(self, app: ASGIApp, limit: int, larger: Mapping[str, int] | None = None) -> None:
        self._app, self._limit, self._larger = app, limit, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        refusal = f"a body may have {limit} bytes"
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            await problem(413, refusal, instance=scope["path"])(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, refusal)
            return message

        await self._app(scope, counted, send)

    def _limit_of(self, path: str) -> int:
        while path:
            if path in self._larger:
                return self._larger[path]
            path = path.rpartition("/")[0]
        return self._limit


class Finishing:
    """Adds the security headers to every response and counts it under its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._requests = app, metrics.http_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def finished(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers["Content-Security-Policy"] = DOCS_POLICY if scope["path"] == "/docs" else PAGE_POLICY
                self._requests.labels(_template(scope), _method(scope), str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, finished)


class Page(StaticFiles):
    """Built files: whatever carries a hash in its name is kept for ever, the rest is asked for each time."""

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(full_path, *args, **kwargs)
        hashed = Path(full_path).parent.name == "assets"
        response.headers["Cache-Control"] = FOR_EVER if hashed else "no-cache"
        return response


def probes(app: FastAPI, wiring: Wiring) -> None:
    """`/livez`, `/readyz`, `/healthz` and `/metrics`."""
    health, metrics = wiring.health, wiring.metrics
    for path, endpoint in {
        "/livez": health.livez,
        "/readyz": health.readyz,
        "/healthz": health.readyz,
        "/metrics": metrics.asgi(),
    }.items():
        app.router.routes.append(Route(path, _Plain(endpoint), include_in_schema=False))


def page_settings(wiring: Wiring) -> APIRouter:
    """`/config.json`: what the page has to know before it can connect."""
    nats, gateway = wiring.settings.nats, wiring.settings.gateway
    content = {
        "websocket_url": gateway.websocket_url or None,
        "request_subject": nats.request_subject,
        "response_subject": nats.response_subject,
        "contexts": _names(gateway.contexts),
    }
    router = APIRouter(include_in_schema=False)

    @router.get("/config.json")
    async def config() -> Response:
        return JSONResponse(content, headers={"Cache-Control": "no-cache"})

    return router


def short_addresses() -> APIRouter:
    """`/battle` and `/battle/{code}`, as people type them: the page reads what stands behind the `#`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/battle")
    @router.get("/battle/")
    async def battles() -> Response:
        return _to_room("battle")

    @router.get("/battle/{code}")
    async def battle(code: str) -> Response:
        if not is_token(code):
            raise HTTPException(404, "no battle has such a code", NOT_KEPT)
        return _to_room(f"battle/{code}")

    return router


def _to_room(room: str) -> Response:
    return RedirectResponse(f"/#/{room}", headers=NOT_KEPT)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def pages(app: FastAPI, static: Path = STATIC) -> None:
    """The page, the documents and their files; where nothing was built, a page that says how to."""
    routes, built = app.router.routes, static / "app"
    is_built = (built / "index.html").is_file()
    docs = built / "docs" / "index.html" if is_built else static / "not-built.html"
    routes.append(Route("/docs", _file(docs), include_in_schema=False))
    if (static / "asyncapi").is_dir():
        routes.append(Route("/asyncapi", _to_asyncapi, include_in_schema=False))
        routes.append(Mount("/asyncapi", _zipped(Page(directory=static / "asyncapi", html=True))))
    if is_built:
        routes.append(Mount("/", _zipped(Page(directory=built, html=True))))
    else:
        routes.append(Route("/", _file(docs), include_in_schema=False))


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_: Request) -> Response:
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    return respond


async def _to_asyncapi(_: Request) -> Response:
    return RedirectResponse("/asyncapi/")


def _zipped(app: ASGIApp) -> ASGIApp:
    return GZipMiddleware(app, minimum_size=1024)


class _Plain:
    """Tells the router that this is an ASGI application and no function of a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _template(scope: Mapping[str, Any]) -> str:
    """A label of bounded cardinality: never the path itself."""
    if (route := scope.get("route")) is not None:
        return str(route.path)
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return "other"
    return "page" if scope.get("root_path") or isinstance(endpoint, GZipMiddleware) else str(scope["path"])


def _method(scope: Mapping[str, Any]) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"
