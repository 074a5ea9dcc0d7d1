"""The closed sets of reasons why a statement became no activity fact; they are metric labels and table values."""

from enum import StrEnum


class Refusal(StrEnum):
    """Why the recorder or the gateway refused a statement."""

    NOT_JSON = "not_json"  # not UTF-8, not JSON, or not a JSON object
    INVALID = "invalid"  # breaks the xAPI statement data model
    TOO_LARGE = "too_large"
    CONFLICT = "conflict"  # the id is taken by a statement with other content (xAPI 1.0.3 Communication 2.1.2)
    WRONG_ENVELOPE = "wrong_envelope"  # the Kafka value is not a `received` record of this contract
    WRONG_PARTITION = "wrong_partition"  # the id belongs to another partition, so its id authority never saw it


class Withholding(StrEnum):
    """Why an archived statement was not published as an activity."""

    NO_CONSENT = "no_consent"
    NOT_A_LEARNER = "not_a_learner"  # the actor is a group, or an agent without an account
    NOT_ON_ROSTER = "not_on_roster"
    VOIDING = "voiding"  # a voiding statement retracts; it is not an activity itself
    NOT_AN_ACTIVITY = "not_an_activity"  # the object is an agent, a group, a SubStatement or a StatementRef
    UNREADABLE = "unreadable"  # archived as valid, yet its JSON has no statement's shape: a fault of ours to look into


class Outcome(StrEnum):
    """Where one record of the log ended at one hop; the sum over outcomes is what came in."""

    ARCHIVED = "archived"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    PUBLISHED = "published"  # counted by the loader when the activity is in the facts
    WITHHELD = "withheld"
