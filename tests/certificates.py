"""Certificates of an authority of a test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: Path
    key: Path


@dataclass(slots=True)
class Authority:
    """Signs what it is asked to."""

    directory: Path
    name: str = "authority"
    certificate: Path = field(init=False)
    _authority: trustme.CA = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA(organization_name=self.name, key_type=trustme.KeyType.ECDSA)
        self.certificate = self.directory / f"{self.name}.crt"
        self._authority.cert_pem.write_to_path(self.certificate)

    def issue(self, name: str, *hosts: str) -> Pair:
        """For these host names and addresses, to serve and to connect with."""
        issued = self._authority.issue_cert(
            *(hosts or (name,)), common_name=name, key_type=trustme.KeyType.ECDSA
        )
        pair = Pair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(pair.certificate)
        issued.private_key_pem.write_to_path(pair.key)
        return pair
