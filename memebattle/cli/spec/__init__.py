"""The contract with our clients, generated from the code: AsyncAPI document, TypeScript types, a page.

`build` makes the AsyncAPI 3.0 document of a configuration; `write_all` writes everything that follows from
the default one, `stale` finds what no longer follows. The same code gives the same bytes on every machine, so
the files are committed and a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from memebattle import __version__
from memebattle.cli.spec import words
from memebattle.cli.spec.enrich import Parts
from memebattle.cli.spec.page import page
from memebattle.cli.spec.schema import Json
from memebattle.cli.spec.types import typescript
from memebattle.settings import Settings

DOCUMENT = Path("asyncapi/asyncapi.yaml")
TYPES = Path("asyncapi/types.ts")
PAGE = Path("memebattle/gateway/static/asyncapi/index.html")
PAGE_DOCUMENT = PAGE.with_name("asyncapi.json")  # the document as the gateway serves it, for programs

HEADER = "# Generated from the code by `make spec`; edit the code.\n"


def build(settings: Settings | None = None) -> Json:
    """The AsyncAPI 3.0 document for these settings; needs no environment and no connection.

    Raises:
        SpecError: a channel has no words, or code and words disagree.
    """
    settings = settings or Settings()
    parts = Parts(settings)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:memebattle",
        "info": _info(settings),
        "defaultContentType": "application/json",
        "servers": _servers(settings),
        "channels": parts.channels(),
        "operations": parts.operations(),
        "components": {
            "messages": parts.messages(),
            "schemas": parts.schemas(),
            "securitySchemes": _security(),
        },
    }


def render(document: Json) -> str:
    """As YAML, with texts of several lines as blocks."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return HEADER + text


def write_all(root: Path) -> list[Path]:
    """Write every generated file under `root`; return those whose content changed."""
    changed = stale(root)
    for path, text in _files():
        target = root / path
        if target in changed:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    return changed


def stale(root: Path) -> list[Path]:
    """The generated files under `root` that are missing or not what the code says."""
    return [root / path for path, text in _files() if _content(root / path) != text]


def _files() -> Iterator[tuple[Path, str]]:
    document = build()
    types = typescript(document)
    yield DOCUMENT, render(document)
    yield TYPES, types
    yield PAGE, page(document, types)
    yield PAGE_DOCUMENT, json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _info(settings: Settings) -> Json:
    nats, priority = settings.nats, settings.priority
    return {
        "title": "memebattle",
        "version": __version__,
        "description": words.DESCRIPTION.format(
            request=nats.request_subject,
            response=nats.response_subject,
            results=nats.results_stream,
            chunks=nats.chunks_stream,
            python=_snippet(words.PYTHON_SNIPPET, settings),
            chat=words.CHAT_SNIPPET,
            task=f"{priority.request_subject}.{{request_id}}",
            result=priority.result_subject,
            sync=priority.sync_subject,
            scores=nats.priority_results_stream,
            battles=nats.battle_stream,
            priority=_task_snippet(settings),
            browser=_snippet(words.BROWSER_SNIPPET, settings),
        ),
        "contact": {"name": "memebattle"},
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "tags": [{"name": "nats"}, {"name": "jetstream"}, {"name": "generative-ai"}],
    }


def _snippet(text: str, settings: Settings) -> str:
    return text.replace('"meme.request"', json.dumps(settings.nats.request_subject))


def _task_snippet(settings: Settings) -> str:
    priority = settings.priority
    return words.PRIORITY_SNIPPET.replace("prioritization.request", priority.request_subject).replace(
        "prioritization.result", priority.result_subject
    )


def _servers(settings: Settings) -> Json:
    browser = urlsplit(settings.gateway.websocket_url)
    return {
        "nats": _nats_server(settings.nats.url.get_secret_value()),
        "websocket": {
            "host": browser.netloc.rpartition("@")[2] or "nats.{page}",
            **({} if browser.netloc else {"variables": {"page": _PAGE_HOST}}),
            "protocol": browser.scheme or "ws",
            "title": "NATS over WebSocket",
            "description": words.WEBSOCKET_SERVER,
            "security": [{"$ref": "#/components/securitySchemes/browser"}],
        },
    }


_PAGE_HOST = {"default": "localhost", "description": "The host the web page comes from."}


def _nats_server(urls: str) -> Json:
    """The first address, and the rest of the cluster; credentials in an address stay out of the document."""
    addresses = [url.strip() if "://" in url else f"nats://{url.strip()}" for url in urls.split(",")]
    host, *others = [urlsplit(address).netloc.rpartition("@")[2] for address in addresses]
    return {
        "host": host,
        "protocol": "nats",
        "title": "NATS",
        "description": words.NATS_SERVER,
        "security": [{"$ref": "#/components/securitySchemes/role"}],
        **({"x-cluster": others} if others else {}),
    }


def _security() -> Json:
    return {
        "role": {
            "type": "userPassword",
            "description": "A NATS user of the account `APP`: `worker`, `gateway`, `monitor` or `developer`.",
        },
        "browser": {
            "type": "userPassword",
            "description": "The NATS user `browser` of the account `WEB`, for WebSocket only; a server with"
            " `no_auth_user` asks for no password.",
        },
    }


class _Dumper(yaml.SafeDumper):
    """Readable YAML: block texts, indented lists, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)
