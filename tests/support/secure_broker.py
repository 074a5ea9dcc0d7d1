"""A real broker as others may reach it: TLS, and a user with a password (SCRAM), beside the plain listener of tests."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lrs.cli.broker import Broker
from lrs.cli.java import Java
from lrs.cli.ports import free_port
from lrs.cli.settings_loading import cache_folder
from lrs.kernel.settings import BrokerSettings
from tests.support.broker import complete

_MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class SecureBroker:
    """How tests reach it (`settings`, plain), where others do, and the certificate of its authority."""

    settings: BrokerSettings
    address: str
    authority: Path


@contextmanager
def secure_broker(folder: Path, user: str, password: str) -> Iterator[SecureBroker]:
    """Runs until the end, its data below `folder`."""
    authority, key_store = _certificates(folder)
    port, secure, controller = _ports(3)
    properties = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": _MECHANISM,
        f"listener.name.sasl_ssl.{_MECHANISM.lower()}.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(key_store),
    }
    settings = BrokerSettings(port=port)
    node = _WithUser(folder / "broker", folder / "logs", settings, cache=cache_folder(), properties=properties)
    node.credential = f"{_MECHANISM}=[name={user},password={password}]"
    complete(node.start())
    try:
        complete(node.ready())
        yield SecureBroker(node.settings, f"127.0.0.1:{secure}", authority)
    finally:
        complete(node.stop())


class _WithUser(Broker):
    """Knows a user from its first start on."""

    credential = ""

    async def _format(self, java: Java) -> None:
        await super()._format(_Adding(java.class_path, java.cache, self.credential))


class _Adding(Java):
    """The commands of `java` with a user to add; only the one that formats takes it."""

    def __init__(self, class_path: Any, cache: Path, credential: str) -> None:  # noqa: ANN401 - as in Java
        super().__init__(class_path, cache)
        object.__setattr__(self, "credential", credential)

    def command(self, main_class: str, *arguments: str, **options: Any) -> list[str]:  # noqa: ANN401 - as in Java
        return super().command(main_class, *arguments, "--add-scram", self.credential, **options)  # type: ignore[attr-defined]


def _ports(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found.append(free_port(taken=frozenset(found)))
    return found


def _certificates(folder: Path) -> tuple[Path, Path]:
    """An authority's certificate, and key and certificate of 127.0.0.1 that it signed."""
    authority_key, own_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("authority")
    ca = _certificate(authority, authority, authority_key, authority_key, x509.BasicConstraints(ca=True, path_length=0))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = _certificate(_name("broker"), authority, own_key, authority_key, address)
    private = own_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(ca)
    (folder / "broker.pem").write_bytes(private + own + ca)
    return folder / "ca.pem", folder / "broker.pem"


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)
