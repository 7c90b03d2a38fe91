"""Where the token may be sent: `HF_API_URL` against the allow-list, and links to finished pictures.

A URL in the environment is a way to make a worker call things that only the cluster can reach (server-side
request forgery), with a token in its hand. So `HF_API_URL` must name a listed host, exactly or by `*.suffix`,
over https on port 443, with nothing clever in it; plain http and other ports are for loopback. A provider
that answers with a link instead of a picture gets less trust still: `link_fault`.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from memebattle.settings import GenerationSettings, SettingsError

ROUTER = "https://router.huggingface.co"
RETIRED_HOST = "api-inference.huggingface.co"

# parsers disagree about everything outside this set: spaces, backslashes, control and non-ASCII characters
_PLAIN = re.compile(r"[!-\[\]-~]+")
_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")

_log = logging.getLogger(__name__)


def api_url(settings: GenerationSettings) -> str | None:
    """The checked `HF_API_URL`; None means the router's address for the provider and the model.

    The retired host of old manifests counts as not set, with one warning.

    Raises:
        SettingsError: the URL may not be called.
    """
    url = settings.hf_url
    if not url:
        return None
    if _host_of(url) == RETIRED_HOST:
        _log.warning(
            "HF_API_URL names %s, which HuggingFace has switched off; its old default model "
            "runwayml/stable-diffusion-v1-5 is gone from the Hub as well. "
            "Calling %s with HF_MODEL=%s instead; remove HF_API_URL to silence this.",
            RETIRED_HOST,
            ROUTER,
            settings.hf_model,
        )
        return None
    allowed = [entry.strip().lower() for entry in settings.hf_allowed_hosts.split(",") if entry.strip()]
    if fault := api_fault(url, allowed):
        raise SettingsError(
            f"HF_API_URL {fault}. It takes an https URL on a host of HF_ALLOWED_HOSTS, or nothing at all "
            "to use the HuggingFace router."
        )
    return url


def api_fault(url: str, allowed: Sequence[str]) -> str | None:
    """Why this URL may not be called with our token, or None. The text never repeats the URL."""
    parts = _split(url)
    if isinstance(parts, str):
        return parts
    host = parts.hostname or ""
    if not any(_matches(host, entry) for entry in allowed):
        return f"names the host {host!r}, which is not in HF_ALLOWED_HOSTS"
    if is_loopback(host):
        return None
    return _public_fault(parts)


def link_fault(url: str, *, loopback: bool) -> str | None:
    """Why a picture may not be fetched from a link the provider gave, or None.

    Args:
        url: what the provider answered.
        loopback: the provider itself is on loopback, so its pictures may be too.
    """
    parts = _split(url)
    if isinstance(parts, str):
        return parts
    host = parts.hostname or ""
    if is_loopback(host):
        return None if loopback else "points to this machine"
    if _is_address(host):
        return "names an address instead of a host"
    return _public_fault(parts)


def base_fault(url: str, *, plain_http: bool) -> str | None:
    """Why no API for text can be below this URL, or None. The text never repeats the URL.

    The operator names it, so any host and port will do; a path is appended to it.

    Args:
        url: a base URL.
        plain_http: http is good enough, as inside a cluster; otherwise it is for loopback only.
    """
    parts = _split(url)
    if isinstance(parts, str):
        return parts
    if "?" in url:
        return "carries a query, and a path is going to be appended to it"
    if parts.scheme != "https" and not plain_http and not is_loopback(parts.hostname or ""):
        return "is not https, and only loopback may do without"
    return None


def is_loopback(host: str) -> bool:
    """Whether this host is certainly the machine we run on."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def url_is_loopback(url: str) -> bool:
    """Whether a URL that passed the checks stays on this machine."""
    return is_loopback(_host_of(url))


def _split(url: str) -> SplitResult | str:
    """The URL's parts, or what is wrong with its form."""
    if not _PLAIN.fullmatch(url):
        return "contains a space, a backslash, a control or a non-ASCII character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"}:
        return "is neither https nor http"
    if "@" in parts.netloc or "#" in url:
        return "carries a user name or a fragment"
    if port == 0 or not (_HOST_NAME.fullmatch(host) or _is_address(host)):
        return "names no proper host"
    return parts


def _public_fault(parts: SplitResult) -> str | None:
    if parts.scheme != "https":
        return "is not https, and only loopback may do without"
    if parts.port not in {None, 443}:
        return f"names port {parts.port}, and only loopback may use another one than 443"
    return None


def _matches(host: str, entry: str) -> bool:
    """Exactly this host, or for `*.suffix` any host below the suffix (not the suffix itself)."""
    return host.endswith(entry[1:]) if entry.startswith("*.") else host == entry


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_of(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
