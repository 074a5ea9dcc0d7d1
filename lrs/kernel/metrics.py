"""Every metric that Ayumi may expose; nothing else may create one. Seconds and bytes, labels from closed sets.

Labels: `app` is a credential id, `partition` a number, `reason` and `outcome` are members of `lrs.kernel.reasons`,
`topic` a noun of `lrs.kernel.topics`, `hop` recorder, processor or loader, `route` and `method` come from the gateway's
own route table, `operation`, `folder` and `what` are the sets below. No label ever holds anything that was read from a
statement.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from lrs.kernel.reasons import Outcome, Refusal, Withholding

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_FRESH = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)

# Gateway: the xAPI interface.
GATEWAY_REQUEST_SECONDS = Histogram(
    "ayumi_gateway_request_seconds", "Time to answer one HTTP request.", ["route", "method", "status"], buckets=_FAST
)
GATEWAY_STATEMENTS = Counter(
    "ayumi_gateway_statements_total",
    "Statements that came by HTTP: received (logged), repeated (already there) or rejected (4xx).",
    ["app", "outcome"],
)
GATEWAY_REFUSED = Counter("ayumi_gateway_refused_total", "Statements rejected at the door, by reason.", ["reason"])
GATEWAY_PUBLISH_SECONDS = Histogram(
    "ayumi_gateway_publish_seconds", "Time until the broker acknowledged a request's statements.", buckets=_FAST
)
GATEWAY_READ_WAIT_SECONDS = Histogram(
    "ayumi_gateway_read_wait_seconds", "Time a GET waited for the archive to pass the log's end.", buckets=_FAST
)
GATEWAY_CREDENTIAL_CHECKS = Counter(
    "ayumi_gateway_credential_checks_total",
    "Credential checks: cached, verified (argon2id, or a token's signature) or failed.",
    ["result"],
)
GATEWAY_OVER_QUOTA = Counter(
    "ayumi_gateway_over_quota_total", "Requests answered 429 because their app sends more than its quota.", ["app"]
)
GATEWAY_LAST_SEEN_SECONDS = Gauge(
    "ayumi_gateway_last_seen_timestamp_seconds",
    "Unix time of an app's last statements that were taken by HTTP.",
    ["app"],
)
GATEWAY_BACKLOG_STATEMENTS = Gauge(
    "ayumi_gateway_backlog_statements", "Records on the log that the archive does not hold yet, as the gateway sees it."
)
GATEWAY_BACKLOG_SECONDS = Gauge(
    "ayumi_gateway_backlog_seconds", "How old the oldest record is that is on the log and not yet in the archive."
)
GATEWAY_KEY_FETCHES = Counter(
    "ayumi_gateway_key_fetches_total", "Fetches of the token issuer's signing keys: fetched or failed.", ["result"]
)

# Recorder: received -> archive, accepted, refused.
RECORDER_STATEMENTS = Counter(
    "ayumi_recorder_statements_total", "Records of received that the recorder settled.", ["outcome"]
)
RECORDER_REFUSED = Counter("ayumi_recorder_refused_total", "Records that became dead letters, by reason.", ["reason"])
RECORDER_BATCH_STATEMENTS = Histogram(
    "ayumi_recorder_batch_statements", "Records in one batch.", buckets=(1, 10, 100, 500, 1000, 2000, 5000, 10000)
)
RECORDER_INSERT_SECONDS = Histogram("ayumi_recorder_insert_seconds", "Time of one archive insert.", buckets=_FAST)
RECORDER_VALIDATE_SECONDS = Histogram(
    "ayumi_recorder_validate_seconds", "Time to decide one batch: validation and id authority.", buckets=_FAST
)

# Letters: refused -> the dead letters that people look at and replay.
LETTERS_ROWS = Counter("ayumi_letters_rows_total", "Dead letters kept, by reason.", ["reason"])
LETTERS_INSERT_SECONDS = Histogram("ayumi_letters_insert_seconds", "Time of one insert of letters.", buckets=_FAST)
LETTERS_REPLAYED = Counter(
    "ayumi_letters_replayed_total",
    "Dead letters asked to be replayed: replayed (on the log anew), stored (there already) or refused (still wrong).",
    ["outcome"],
)

# Processor: accepted -> activity.
PROCESSOR_SLICES = Counter("ayumi_processor_slices_total", "Slices processed.")
PROCESSOR_STATEMENTS = Counter("ayumi_processor_statements_total", "Statements published or withheld.", ["outcome"])
PROCESSOR_WITHHELD = Counter("ayumi_processor_withheld_total", "Statements withheld, by reason.", ["reason"])
PROCESSOR_SLICE_SECONDS = Histogram(
    "ayumi_processor_slice_seconds", "Time of one slice, from decode to confirmed.", buckets=_FAST
)
PROCESSOR_RETRIES = Counter("ayumi_processor_retries_total", "Slices tried again because the write was not confirmed.")
PROCESSOR_VIEW_ENTRIES = Gauge("ayumi_processor_view_entries", "Entries of a reference view.", ["topic"])
PROCESSOR_VIEW_RECORDS = Counter("ayumi_processor_view_records_total", "Records read into a reference view.", ["topic"])
PROCESSOR_VIEW_LAG = Gauge(
    "ayumi_processor_view_lag_records", "Records by which a reference view is behind its topic.", ["topic"]
)

# Loader: activity -> facts.
LOADER_ROWS = Counter("ayumi_loader_rows_total", "Rows written to the facts, by outcome.", ["outcome"])
LOADER_SKIPPED = Counter(
    "ayumi_loader_skipped_total", "Records skipped because the table already held their coordinates."
)
LOADER_REFUSED = Counter("ayumi_loader_refused_total", "Records of activity that nobody can read: dead letters.")
LOADER_RETRACTED = Counter("ayumi_loader_retracted_total", "Facts taken out because their statement was voided.")
LOADER_INSERT_SECONDS = Histogram("ayumi_loader_insert_seconds", "Time of one facts insert.", buckets=_FAST)
LOADER_FRESHNESS_SECONDS = Histogram(
    "ayumi_loader_freshness_seconds",
    "From stored to queryable in the facts, per batch: the oldest record's.",
    buckets=_FRESH,
)

# Every stream part.
STREAM_LAG = Gauge(
    "ayumi_stream_lag_records", "Records of a topic that this part has not yet taken.", ["topic", "partition"]
)
STREAM_RECORDS = Counter(
    "ayumi_stream_records_total", "Records of a topic that this part is done with.", ["topic", "partition"]
)
STREAM_LAST_POLL_SECONDS = Gauge(
    "ayumi_stream_last_poll_timestamp_seconds", "Unix time of the last poll that returned, per topic.", ["topic"]
)
STREAM_LAST_COMMIT_SECONDS = Gauge(
    "ayumi_stream_last_commit_timestamp_seconds", "Unix time of the last committed offset, per topic.", ["topic"]
)
BROKER_ERRORS = Counter(
    "ayumi_broker_errors_total", "Calls to the broker that failed, by the operation.", ["operation"]
)
BROKER_OPERATIONS = ("connect", "consume", "fetch", "log_ends", "produce", "publish", "views")

# Accountant: is everything accounted for?
ACCOUNTANT_GAP = Gauge(
    "ayumi_accountant_gap_statements",
    "Statements or dead letters that are missing or too many, or on their way for too long, by the hop where to look.",
    ["hop"],
)
ACCOUNTANT_BALANCED_SECONDS = Gauge(
    "ayumi_accountant_balanced_timestamp_seconds", "Unix time of the last check that found everything accounted for."
)
ACCOUNTANT_CHECKED_SECONDS = Gauge(
    "ayumi_accountant_checked_timestamp_seconds", "Unix time of the last check that could be made, whatever it found."
)
ACCOUNTANT_CHECK_SECONDS = Histogram("ayumi_accountant_check_seconds", "Time of one check.", buckets=_FRESH)
ACCOUNTANT_FAILED_CHECKS = Counter(
    "ayumi_accountant_failed_checks_total", "Checks that could not be made, because a part or the broker was away."
)

# Every process: the machine it runs on, and what runs out with time.
DISK_FREE = Gauge(
    "ayumi_disk_free_bytes", "Bytes that may still be written, for each file system that the zone uses.", ["folder"]
)
DISK_SIZE = Gauge("ayumi_disk_size_bytes", "Size of each file system that the zone uses, in bytes.", ["folder"])
DISK_FOLDERS = ("zone", "broker", "archive", "facts", "ids", "objects", "registry")
EXPIRY_SECONDS = Gauge(
    "ayumi_expiry_timestamp_seconds",
    "Unix time at which something ends: the earliest certificate of a configured file (0: it cannot be read), "
    "the issuer's keys if they are not fetched again, the school year and with it its pseudonyms.",
    ["what"],
)
CERTIFICATES = ("broker_ca", "broker_certificate", "issuer_ca")
EXPIRIES = (*CERTIFICATES, "issuer_keys", "school_year")

# Board: aggregates API and pages.
BOARD_QUERY_SECONDS = Histogram(
    "ayumi_board_query_seconds", "Time of one aggregate query.", ["aggregate"], buckets=_FAST
)
BOARD_SUPPRESSED = Counter(
    "ayumi_board_suppressed_cells_total", "Cells not shown because too few learners stand behind them.", ["aggregate"]
)

# Publisher: the SDK and the gateway's way into Kafka.
PUBLISHER_RECORDS = Counter("ayumi_publisher_records_total", "Records acknowledged by the broker.", ["topic"])
PUBLISHER_SEND_SECONDS = Histogram(
    "ayumi_publisher_send_seconds", "Time from hand-over to acknowledgement of one call.", buckets=_FAST
)
PUBLISHER_SPOOLED = Counter(
    "ayumi_publisher_spooled_total",
    "Statements that the SDK kept on disk because the broker was away (spooled), or sent from there (replayed).",
    ["outcome"],
)
PUBLISHER_SPOOL_BYTES = Gauge("ayumi_publisher_spool_bytes", "Bytes that wait in the SDK's spool on disk.")
PUBLISHER_SPOOL_LOST = Counter(
    "ayumi_publisher_spool_lost_bytes_total", "Bytes of the SDK's spool that were damaged, and so not sent."
)

# A counter that appears with its first event hides that event from every rate: the closed sets begin at 0.
for _counter, _values in (
    (BROKER_ERRORS, BROKER_OPERATIONS),
    (GATEWAY_REFUSED, Refusal),
    (RECORDER_STATEMENTS, (Outcome.ARCHIVED, Outcome.REFUSED, Outcome.DUPLICATE)),
    (RECORDER_REFUSED, Refusal),
    (LETTERS_ROWS, Refusal),
    (PROCESSOR_STATEMENTS, (Outcome.PUBLISHED, Outcome.WITHHELD)),
    (PROCESSOR_WITHHELD, Withholding),
    (LOADER_ROWS, (Outcome.PUBLISHED, Outcome.WITHHELD)),
):
    for _value in _values:
        _counter.labels(_value)
