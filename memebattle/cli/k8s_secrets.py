"""The Secrets a cluster needs before the chart: who may sign in to NATS, and the providers' token.

The servers get `bus/accounts.conf` with a password for every user. A role gets its own password and no other:
`developer`, who may do everything, and `sys` stay with the servers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from memebattle.cli.k8s_yaml import Manifest, Quoted
from memebattle.cli.local import ROLES, accounts
from memebattle.cli.output import USAGE, Problem

NATS_AUTH, ROLE_PASSWORDS, PROVIDERS = "nats-auth", "meme-generator-nats", "meme-generator-secrets"
SERVICES: Final = ("worker", "gateway", "provision", "monitor")  # who signs in from the chart's pods
PEOPLE: Final = ("developer", "sys")  # who signs in from nats-box
_LABELS: Final = {"app.kubernetes.io/part-of": "memebattle", "app.kubernetes.io/managed-by": "memebattle"}


def passwords(given: Iterable[str]) -> dict[str, str]:
    """A password for every role: `ROLE=PASSWORD` where given, else a new one.

    Raises:
        Problem: there is no such role, or a password would not survive every file it is written to.
    """
    chosen = dict(pair.partition("=")[::2] for pair in given)
    if unknown := sorted(chosen.keys() - set(ROLES)):
        raise Problem(f"no role {unknown[0]!r}", do=f"one of {', '.join(ROLES)}", code=USAGE)
    for role, word in chosen.items():
        if not (word.isascii() and word.isalnum()):
            raise Problem(
                f"the password of {role} cannot be used",
                why="it goes into a server configuration and into addresses: letters and digits only",
                do=f"`--password {role}={secrets.token_hex(8)}`, or leave it out for a new one",
                code=USAGE,
            )
    return {role: chosen.get(role) or secrets.token_hex(16) for role in ROLES}


def manifests(
    words: Mapping[str, str], *, namespace: str, nats_namespace: str, domain: str = "", token: str = ""
) -> list[Manifest]:
    """The Secrets, with these passwords; that of the providers only where there is a token."""
    servers = {"auth.conf": accounts(words, domain)} | _by_role(words, PEOPLE)
    made = [
        _secret(NATS_AUTH, nats_namespace, servers),
        _secret(ROLE_PASSWORDS, namespace, _by_role(words, SERVICES)),
    ]
    return made + ([_secret(PROVIDERS, namespace, {"HF_API_TOKEN": Quoted(token)})] if token else [])


def _by_role(words: Mapping[str, str], roles: Iterable[str]) -> dict[str, str]:
    return {f"{role}-password": Quoted(words[role]) for role in roles}


def _secret(name: str, namespace: str, content: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(_LABELS)},
        "type": "Opaque",
        "stringData": dict(content),
    }
