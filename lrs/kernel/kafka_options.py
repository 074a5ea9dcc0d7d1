"""How every part connects to Kafka: one mapping from settings to client options."""

from __future__ import annotations

import ssl
from typing import Any

from lrs.kernel.errors import StopError
from lrs.kernel.kafka_connections import tell_lost_connections
from lrs.kernel.settings import BrokerSettings

GIVE_UP_SECONDS = 1.0
"""How long a client that is told to stop may still connect, which takes milliseconds.

Cancelled half-way it would lose the connection that it has just opened, instead of closing it.
"""


def client_options(broker: BrokerSettings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client. Raises `StopError` when a named file cannot be read."""
    tell_lost_connections()
    options: dict[str, Any] = {
        "bootstrap_servers": broker.bootstrap_servers or f"127.0.0.1:{broker.port}",
        "security_protocol": broker.security_protocol,
    }
    try:
        if broker.security_protocol.endswith("SSL"):
            context = ssl.create_default_context(cafile=broker.ssl_ca_file)
            if broker.ssl_certificate_file:
                context.load_cert_chain(broker.ssl_certificate_file, broker.ssl_key_file)
            options["ssl_context"] = context
        if broker.security_protocol.startswith("SASL"):
            password = broker.sasl_password_file.read_text("utf-8").strip() if broker.sasl_password_file else ""
            options |= {
                "sasl_mechanism": broker.sasl_mechanism,
                "sasl_plain_username": broker.sasl_username,
                "sasl_plain_password": password,
            }
    except OSError as error:
        raise StopError(
            f"cannot read a broker credential: {error}",
            remedy="Check the AYUMI_BROKER__SSL_* and AYUMI_BROKER__SASL_PASSWORD_FILE settings.",
        ) from error
    return options
