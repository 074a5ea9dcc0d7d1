"""The Faust app's construction: which of its many settings make it keep the promises of `processors.processor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust
from mode.supervisors import CrashingSupervisor

from lrs.kernel.kafka_options import client_options
from lrs.kernel.metrics import STREAM_LAST_COMMIT_SECONDS
from lrs.kernel.topics import Noun
from processors.members import member_name

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from pathlib import Path

    from faust.types import TP

    from lrs.kernel.settings import BrokerSettings

_COMMIT_SECONDS = 0.5
# Above the 8 MiB that a record of the topic may have, so that one slice always fits a fetch.
_FETCH_BYTES = 9 << 20
# Slices that wait in memory. Faust's 4096 would be a gigabyte of statements.
_BUFFERED_SLICES = 16
_POLLED_SLICES = 32
_MAX_POLL_SECONDS = 300.0
# How long the partitions of a killed process lie idle, unless it comes back under its name. Heartbeats come from
# Faust's own consumer thread.
_SESSION_SECONDS = 8.0
_HEARTBEAT_SECONDS = 2.0


class StreamApp(faust.App):
    """A Faust app whose consumer waits for a full buffer instead of pausing its partitions."""

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> Any:  # noqa: ANN401, N802
        """A stream's buffer."""
        queue = super().FlowControlQueue(maxsize, clear_on_resume=clear_on_resume)
        # Under high pressure Faust pauses a partition, and with all of them paused it sleeps for a whole second however
        # soon the buffer is empty: measured, that halves the throughput. At this ratio no buffer is under pressure, and
        # the fetcher waits until there is room.
        queue.pressure_high_ratio = 0.5
        return queue


class StreamMonitor(faust.Monitor):
    """Tells our metrics when offsets were committed."""

    def on_tp_commit(self, tp_offsets: MutableMapping[TP, int]) -> None:
        """Faust committed."""
        super().on_tp_commit(tp_offsets)
        STREAM_LAST_COMMIT_SECONDS.labels(Noun.ACCEPTED.value).set_to_current_time()


def make_app(broker: BrokerSettings, group: str, folder: Path, *, member: str = "") -> faust.App:
    """A Faust app that only consumes: no tables, no changelogs, no web server, no topics of its own making.

    `folder` is an empty place that Faust insists on; nothing is kept there. `member` is this worker's name in the
    group: after a kill a named one takes its partitions back at once, an unnamed one waits for its ghost's session.
    """
    options = client_options(broker)
    return StreamApp(
        group,
        id_format="{id}",
        broker=[f"kafka://{server.strip()}" for server in options["bootstrap_servers"].split(",")],
        broker_credentials=_credentials(options),
        monitor=StreamMonitor(),
        datadir=str(folder),
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=member_name(member, broker.partitions) if member else None,
        consumer_max_fetch_size=_FETCH_BYTES,
        broker_max_poll_records=_POLLED_SLICES,
        broker_max_poll_interval=_MAX_POLL_SECONDS,
        broker_session_timeout=_SESSION_SECONDS,
        broker_heartbeat_interval=_HEARTBEAT_SECONDS,
        broker_commit_interval=_COMMIT_SECONDS,
        stream_buffer_maxsize=_BUFFERED_SLICES,
        # Waiting for an empty stream would wait for events that nobody will ever ack: those we did not take.
        stream_wait_empty=False,
        # Standby replicas would bring Faust's own assignor, which only tables need.
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        # A restarted agent would go on behind the record it failed on; a crashed app does not.
        agent_supervisor=CrashingSupervisor,
        Monitor=StreamMonitor,
    )


def _credentials(options: Mapping[str, Any]) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = options.get("ssl_context")
    if options["security_protocol"].startswith("SASL"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
