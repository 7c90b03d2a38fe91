"""Variables of the systems we grew out of, under their own names.

Each means one of ours, which wins if both are set: a deployment may move over before its environment does.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

# name -> what it stands for
ORIGINAL: Mapping[str, str] = {
    "NATS_HOST": "With `NATS_PORT`, `NATS_URL`",
    "NATS_PORT": "The port beside `NATS_HOST`; 4222 when it is missing",
    "NATS_TLS_ENABLED": "`true` makes that URL one of TLS",
    "NATS_USERNAME": "`NATS_USER`",
    "REDIS_HOST": "With `REDIS_PORT`, `REDIS_DB` and `REDIS_PASSWORD`, `REDIS_URL`",
    "REDIS_PORT": "The port beside `REDIS_HOST`; 6379 when it is missing",
    "REDIS_DB": "The database beside `REDIS_HOST`; 0 when it is missing",
    "REDIS_PASSWORD": "The password beside `REDIS_HOST`",
    "CACHE_TTL_SECONDS": "`CACHE_TTL_RESULTS`",
}


def translated(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with our names beside the original ones."""

    def given(name: str) -> str:
        return environ.get(name, "").strip()

    found: dict[str, str] = {}
    if host := given("NATS_HOST"):
        scheme = "tls" if given("NATS_TLS_ENABLED").lower() in {"1", "true", "yes", "on"} else "nats"
        found["NATS_URL"] = f"{scheme}://{_bracketed(host)}:{given('NATS_PORT') or 4222}"
    if host := given("REDIS_HOST"):
        password = f":{quote(given('REDIS_PASSWORD'), safe='')}@" if given("REDIS_PASSWORD") else ""
        address = f"{_bracketed(host)}:{given('REDIS_PORT') or 6379}"
        found["REDIS_URL"] = f"redis://{password}{address}/{given('REDIS_DB') or 0}"
    found["NATS_USER"] = given("NATS_USERNAME")
    found["CACHE_TTL_RESULTS"] = given("CACHE_TTL_SECONDS")
    return found | {name: value for name, value in environ.items() if value.strip()}


def _bracketed(host: str) -> str:
    """An IPv6 address as a URL wants it."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
