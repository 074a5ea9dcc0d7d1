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
    lost_before: str = Field(
        "",
        pattern=r"^(\S+-\d+:\d+( \S+-\d+:\d+)*)?$",
        description="Where a part may go on although records are gone from the log unread, as topic-partition:offset, "
        "space separated (`osaka.received.v1-2:1204`). Empty: it stops.",
    )
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
    attachments_folder: Path | None = Field(
        None, description="Folder of the attachments' bytes, the same for every gateway; empty: in the zone folder."
    )
    min_free_disk_mb: Positive = Field(512, description="Refuse attachments with less free disk, in MiB.")
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
    max_bodies_mb: Positive = Field(
        128, description="Most bytes of request bodies in memory, in MiB; more is 503. At least twice max_body_mb."
    )
    max_backlog_statements: Positive = Field(
        1_000_000, description="Statements on the log that the archive may lack; beyond, new ones are answered 503."
    )
    max_backlog_seconds: Seconds = Field(
        900.0, description="How old, in seconds, the oldest of them may be; beyond, new ones are answered 503."
    )
    quota_statements_per_second: Annotated[float, Field(ge=0)] = Field(
        0.0,
        description="Statements a second that each app without a quota of its own may send to one gateway, ten times "
        "as many at once; more is 429. 0: no limit.",
    )
    cors_origins: str = Field(
        "*", description="Origins whose pages may send and read, comma separated; *: all, for no cookie is involved."
    )
    max_connections: Positive = Field(
        10_000, description="Most open connections; beyond, those that wait longest for a request are closed."
    )
    header_seconds: Seconds = Field(20.0, description="Longest time from a request's first byte to its last header.")
    idle_seconds: Seconds = Field(75.0, description="How long a connection may wait for its next request.")


class OidcSettings(_Room):
    """Bearer tokens of an OAuth 2.0 / OpenID Connect issuer. Without `issuer` the gateway takes no tokens."""

    issuer: str = Field(
        "", description="The issuer, as the `iss` claim of its tokens spells it: an https URL. Empty: no bearer tokens."
    )
    audience: str = Field("", description="What a token's `aud` must name; needed with `issuer`.")
    jwks_url: str = Field(
        "", description="Where the issuer publishes its signing keys (`jwks_uri` of its metadata): https, or loopback."
    )
    jwks_file: Path | None = Field(None, description="File with the issuer's signing keys instead of `jwks_url`.")
    ca_file: Path | None = Field(None, description="CA certificates (PEM) for `jwks_url`; empty: the public ones.")
    app_claims: str = Field(
        "azp client_id", description="Claims that name the app, space separated; the first that a token has counts."
    )
    apps: str = Field(
        "",
        description="client=app pairs, space separated: which app an app claim stands for; others are refused. "
        "Empty: the claim is the app's name.",
    )
    scope_claim: str = Field("scope", min_length=1, description="Claim with the scopes: words, or a list of words.")
    scope_prefix: str = Field(
        "",
        description="What the issuer writes before each scope word, such as `xapi:`. "
        "Empty: nothing, and `profile` is not granted by tokens, for there it is OpenID Connect's own word.",
    )
    user_claim: str = Field("sub", description="Claim that names the person; empty: tokens stand for their app alone.")
    leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        30.0, description="By how much the issuer's clock may differ from ours, in seconds."
    )
    refresh_seconds: Seconds = Field(300.0, description="Age at which the signing keys are fetched again, in seconds.")
    refetch_seconds: Seconds = Field(
        10.0, description="Least time between two fetches of the keys, whatever tokens ask for, in seconds."
    )
    kept_seconds: Seconds = Field(
        86400.0, description="How long keys are used while the issuer cannot be reached, in seconds; then 503."
    )


class RecorderSettings(_Room):
    """received → archive, accepted, refused."""

    max_records: Positive = Field(10000, description="Most records in one batch.")
    max_batch_mb: Positive = Field(
        32, description="Statements of one batch, in MiB; two of them and what is made of them are in memory."
    )
    max_wait_seconds: Seconds = Field(
        0.5, description="Longest wait for a first record; a batch is never held back once it has one."
    )
    gather_seconds: Seconds = Field(
        0.25, description="Time from one insert to the next under load, in seconds; few records wait for less."
    )
    slice_statements: Positive = Field(500, description="Most statements in one slice of accepted.")
    member: str = Field(
        "",
        max_length=200,
        description="Name of this recorder in its consumer group, different for each; empty: the host's name.",
    )
    metrics_port: Port = Field(0, description="Port of /metrics when it runs without the gateway; 0: a free one.")


class LettersSettings(_Room):
    """refused → the dead letters of the archive's database, which people look at and replay."""

    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        30, description="Days that a dead letter is kept after its refusal; it holds what an app sent about a person."
    )
    max_records: Positive = Field(1000, description="Most dead letters in one batch.")
    gather_seconds: Seconds = Field(
        1.0, description="Under load, the time from one insert to the next: with max_records it bounds what they cost."
    )
    member: str = Field(
        "",
        max_length=200,
        description="Name of this member in its consumer group, different for each of a zone; empty: the host's name.",
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
    max_batch_mb: Positive = Field(
        32, description="Records of one batch, in MiB; two of them and what is made of them are in memory."
    )
    max_wait_seconds: Seconds = Field(0.2, description="Longest wait for a first record.")
    gather_seconds: Seconds = Field(
        0.25, description="Time from one insert to the next under load, in seconds; few records wait for less."
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


class AccountantSettings(_Room):
    """The check that everything is accounted for."""

    archive_url: str = Field("", description="URL of the gateway to ask; empty: on the zone's host and gateway's port.")
    facts_url: str = Field("", description="URL of the board to ask; empty: on the zone's host and board's port.")
    # The two together, a scrape and an evaluation are less than the minute in which a gap has to raise its alert.
    every_seconds: Seconds = Field(10.0, description="How often the sums are compared, in seconds.")
    overdue_seconds: Seconds = Field(
        30.0, description="How long a statement may be on its way before it counts as a gap, in seconds."
    )
    thorough_seconds: Seconds = Field(
        3600.0, description="How often rows are also checked for being written twice, in seconds."
    )
    metrics_port: Port = Field(0, description="Port of /metrics when it runs alone; 0: a free one.")


class Settings(BaseSettings):
    """All rooms. Build it with `load_settings`."""

    model_config = SettingsConfigDict(env_prefix="AYUMI_", env_nested_delimiter="__", frozen=True, extra="forbid")

    zone: ZoneSettings = ZoneSettings()
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    registry: RegistrySettings = RegistrySettings()
    gateway: GatewaySettings = GatewaySettings()
    oidc: OidcSettings = OidcSettings()
    recorder: RecorderSettings = RecorderSettings()
    letters: LettersSettings = LettersSettings()
    processor: ProcessorSettings = ProcessorSettings()
    loader: LoaderSettings = LoaderSettings()
    board: BoardSettings = BoardSettings()
    accountant: AccountantSettings = AccountantSettings()
