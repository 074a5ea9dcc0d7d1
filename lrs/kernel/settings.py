"""Every setting: name, default, unit, meaning. Read once by the CLI; no other room reads the environment.

A setting is `AYUMI_<ROOM>__<FIELD>` in the environment, or `[room] field` in the zone folder's `ayumi.toml`; the
environment wins. Unknown keys are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


class _Room(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ZoneSettings(_Room):
    """Whose zone this is."""

    name: str = Field(
        "zone", pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Zone name; prefix of every topic and consumer group."
    )
    operator: str = Field(
        "operator", min_length=1, max_length=64, description="The operator whose trust boundary the zone is."
    )
    host: str = Field(
        "127.0.0.1", description="Address that HTTP interfaces listen on; loopback unless you say otherwise."
    )
    public_url: str = Field(
        "",
        description="URL under which apps reach the gateway; homePage of authorities. Empty: made from host and port.",
    )


class BrokerSettings(_Room):
    """The log. Without `bootstrap_servers`, `ayumi up` starts a broker of its own on loopback."""

    bootstrap_servers: str = Field(
        "", description="host:port, comma separated, of an existing Kafka cluster; empty: start one."
    )
    port: Port = Field(9092, description="Port of the broker that `ayumi up` starts; 0: a free one.")
    partitions: Positive = Field(4, description="Partitions of received, accepted and activity.")
    replication_factor: Positive = Field(1, description="Replication factor of created topics.")
    heap_mb: Positive = Field(256, description="Java heap of the broker that `ayumi up` starts, in MiB.")
    min_free_disk_mb: Positive = Field(1024, description="Refuse to start the broker with less free disk, in MiB.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to an existing cluster."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism."
    )
    sasl_username: str = Field("", description="SASL user name.")
    sasl_password_file: Path | None = Field(None, description="File that holds the SASL password.")
    ssl_ca_file: Path | None = Field(None, description="CA certificates (PEM) that sign the brokers'.")
    ssl_certificate_file: Path | None = Field(None, description="Client certificate (PEM).")
    ssl_key_file: Path | None = Field(None, description="Client key (PEM).")


class StoreSettings(_Room):
    """Where statements and facts live. Empty: embedded, in the zone folder."""

    archive_dsn: SecretStr = Field(
        SecretStr(""), description="clickhouse-connect DSN of the archive; empty: chdb in the zone folder."
    )
    facts_dsn: SecretStr = Field(
        SecretStr(""), description="clickhouse-connect DSN of the facts; empty: chdb in the zone folder."
    )
    max_memory_mb: Positive = Field(1500, description="Memory cap of one embedded engine, in MiB.")
    readers: Positive = Field(4, description="Read handles of one store.")
    query_seconds: Seconds = Field(10.0, description="Longest time one query may run, in seconds.")


class RegistrySettings(_Room):
    """Credentials and documents."""

    url: SecretStr = Field(
        SecretStr(""), description="SQLAlchemy URL (postgresql+psycopg://…); empty: SQLite in the zone folder."
    )


class GatewaySettings(_Room):
    """The xAPI interface."""

    port: Port = Field(8080, description="Port; 0: a free one.")
    max_body_mb: Positive = Field(16, description="Largest request body, in MiB; more is 413.")
    max_statements: Positive = Field(1000, description="Most statements in one POST; more is 413.")
    max_statement_kb: Positive = Field(1024, description="Largest statement, in KiB; more is 413.")
    read_wait_seconds: Seconds = Field(
        5.0, description="Longest time a GET waits for the archive to pass the log's end."
    )
    publish_seconds: Seconds = Field(10.0, description="Longest time a POST waits for the broker's acknowledgement.")


class RecorderSettings(_Room):
    """received → archive, accepted, refused."""

    max_records: Positive = Field(5000, description="Most records in one batch.")
    max_wait_seconds: Seconds = Field(
        0.5, description="Longest wait for a first record; a batch is never held back once it has one."
    )
    slice_statements: Positive = Field(200, description="Most statements in one slice of accepted.")
    member: str = Field(
        "",
        max_length=200,
        description="Name of this recorder in its consumer group, different for each; empty: the host's name.",
    )
    metrics_port: Port = Field(0, description="Port of /metrics when it runs without the gateway; 0: a free one.")


class ProcessorSettings(_Room):
    """accepted → activity."""

    workers: Positive = Field(1, description="Faust worker processes that `ayumi up` starts.")
    purpose: str = Field(
        "dashboards",
        pattern=r"^[a-z][a-z0-9_-]{0,30}$",
        description="The purpose that consent is asked for and the pseudonym key is derived for.",
    )
    member: str = Field(
        "",
        max_length=200,
        description="Name of this worker in its consumer group, different for each of a zone; a named worker takes its "
        "partitions back at once after a crash. Empty: no name.",
    )
    root_key_file: Path | None = Field(
        None, description="File with the zone's 32-byte root key (hex); empty: keys/root.key in the zone folder."
    )
    metrics_port: Port = Field(0, description="Port of /metrics; 0: a free one.")


class LoaderSettings(_Room):
    """activity → facts."""

    max_records: Positive = Field(20000, description="Most records in one batch.")
    max_wait_seconds: Seconds = Field(0.2, description="Longest wait for a first record.")
    gather_seconds: Seconds = Field(
        0.2, description="How long what all partitions bring is gathered into one insert, in seconds."
    )
    retract_seconds: Seconds = Field(2.0, description="How often voided facts are taken out.")
    member: str = Field(
        "",
        max_length=200,
        description="Name of this loader in its consumer group, different for each of a zone; empty: the host's name.",
    )
    metrics_port: Port = Field(0, description="Port of /metrics when it runs without the board; 0: a free one.")


class BoardSettings(_Room):
    """The aggregates API and the pages."""

    port: Port = Field(8081, description="Port; 0: a free one.")
    min_learners: Annotated[int, Field(ge=2)] = Field(
        10, description="Cells with fewer distinct learners are suppressed."
    )


class Settings(BaseSettings):
    """All rooms. Build it with `load_settings`."""

    model_config = SettingsConfigDict(env_prefix="AYUMI_", env_nested_delimiter="__", frozen=True, extra="forbid")

    zone: ZoneSettings = ZoneSettings()
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    registry: RegistrySettings = RegistrySettings()
    gateway: GatewaySettings = GatewaySettings()
    recorder: RecorderSettings = RecorderSettings()
    processor: ProcessorSettings = ProcessorSettings()
    loader: LoaderSettings = LoaderSettings()
    board: BoardSettings = BoardSettings()
