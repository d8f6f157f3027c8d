"""Settings of one network: where its data comes from, how it is read, and what its sender is like."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from lakehouse.settings_files import FileSettings
from lakehouse.settings_section import Section

NETWORK_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SECRET_REFERENCE = re.compile(r"(env|secretsmanager):\S+|local:[A-Za-z0-9_.-]*")
ChangeSignal = Literal["auto", "rowversion", "change_tracking", "modified_date"]


def secret_reference(reference: str) -> str:
    """`reference`, if it has the form of a secret's name; raises ValueError."""
    if not SECRET_REFERENCE.fullmatch(reference):
        raise ValueError(
            "expected a secret's name: secretsmanager:<id>, env:<NAME> or local:<name>, never the secret itself"
        )
    return reference


class SqlSettings(Section):
    """How a claims database is read.

    Attributes:
        dbms: which dialect the server speaks.
        database_schema: schema of its tables; empty where the database has none (SQLite).
        signals: feed name -> how changed rows are found. `auto` takes the row version column where the table has one,
            else Change Tracking where it is on, else ModifiedDate with a lag.
        lag_minutes: with ModifiedDate alone: how far below the last position rows are read again. Longer than the
            longest transaction plus the clocks' skew; `lakehouse check --source` measures it.
        stamp_clock: clock that ModifiedDate is written by: the server's local time, or UTC.
        stamp_zone: zone of the server's local time, for the instants in Silver.
        window_rows: most rows of one commit; a larger window is cut where its signal allows.
        accepts_restored: the server was restored or replaced on purpose: a table whose numbers went back is read whole.
        parallel_reads: connections that read one window at the same time.
        split_rows: windows with fewer rows are read by one connection.
        compare_keys_days: every so many days all keys of the source are compared with Bronze, and tombstones landed
            for those that are gone; 0 never.
        most_deleted_share: largest share of a table's rows that one comparison may find deleted.
        executors: read on Spark's executors instead of in the driver's process.
        login_timeout_seconds, query_timeout_seconds: limits of one connection and one statement.
        attempts: tries of a read that lost its connection or a deadlock.
    """

    dbms: Literal["sqlserver", "postgresql", "sqlite"] = "sqlserver"
    database_schema: str = "dbo"
    signals: dict[str, ChangeSignal] = Field(default={})
    lag_minutes: Annotated[int, Field(ge=0)] = 60
    stamp_clock: Literal["local", "utc"] = "local"
    stamp_zone: str = "UTC"
    window_rows: Annotated[int, Field(ge=1)] = 2_000_000
    accepts_restored: bool = False
    parallel_reads: Annotated[int, Field(ge=1, le=16)] = 4
    split_rows: Annotated[int, Field(ge=1)] = 200_000
    compare_keys_days: Annotated[int, Field(ge=0)] = 7
    most_deleted_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    executors: bool = False
    login_timeout_seconds: Annotated[int, Field(ge=1)] = 15
    query_timeout_seconds: Annotated[int, Field(ge=1)] = 3600
    attempts: Annotated[int, Field(ge=1)] = 4

    @property
    def zone(self) -> str:
        """Zone of the stamps."""
        return self.stamp_zone if self.stamp_clock == "local" else "UTC"

    @property
    def lag(self) -> timedelta:
        """`lag_minutes` as a span."""
        return timedelta(minutes=self.lag_minutes)


class RuleSettings(Section):
    """What a network changes of a rule; what is not given stays as declared.

    Attributes:
        on_failure: what a broken rule does to its rows or the build.
        at_most: failing rows that are accepted: a number, or a share of the network's rows in the build (`1%`).
    """

    on_failure: Literal["warn", "drop", "quarantine", "fail"] | None = None
    at_most: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^(100(\.0+)?|\d{1,2}(\.\d+)?)%$")] | None = (
        None
    )


class CheckSettings(Section):
    """How strictly a network's rows are judged.

    These settings decide about rows that are judged from then on, as a change of a rule's code does: they make no table
    due. `lakehouse run --full-refresh` judges all rows again, `lakehouse quarantine retry` those set aside.

    Attributes:
        rules: `<table>.<rule>` -> what is different for this network, e.g.
            `"silver.claim.service_date_not_far_ahead" = {on_failure = "warn"}`. `lakehouse rules` lists the names.
        most_quarantined_share: largest share of the network's rows in one build that may be set aside; above it the
            build fails. Builds of fewer than 20 rows are too small to tell.
        earliest_date: no date of service, payment or the like lies before.
        least_volume, most_volume: a feed's day is told as unusual when it has fewer or more rows than these times the
            median of the same weekdays before it (`lakehouse freshness`).
    """

    rules: dict[str, RuleSettings] = Field(default={})
    most_quarantined_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.05")
    earliest_date: date = date(1900, 1, 1)
    least_volume: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.5")
    most_volume: Annotated[Decimal, Field(ge=1)] = Decimal(2)


class NetworkSettings(Section):
    """One network: where its data comes from and what its sender is like.

    Attributes:
        adapter: folder below `lakehouse/bronze` that reads its format.
        enabled: false leaves the network out of every run; its tables stay.
        root: folder or S3 address, for adapters that read files; path of the file of an SQLite database.
        connection: secret reference of the ODBC connection string, for adapters that read another database.
        feeds: the feeds to read; None reads all that the adapter knows and finds.
        ledger: whether money owed is tracked (provider) or everything sent is already settled (payer_extract).
        denial_evidence: where a denial shows: CAS adjustments, a code on the claim line, or nowhere.
        version_mode: how the sender corrects a claim: a full new version, the difference, or a reversal and a new
            claim.
        version_suffix: Java pattern of what the sender appends to a claim's id for a later version of it (`A1234` ->
            `A12341`), e.g. `[0-9]`; None when versions are not named so.
        source_rank: of networks that send the same claim with other figures, the one with the lower rank is kept.
        closes_claims: the sender says when a claim is closed; otherwise it counts as closed `days_to_close` days after
            its last adjudication.
        days_to_close: see `closes_claims`; days.
        dropped_columns: `feed.column` of columns the sender dropped for good; another column that held values and
            is missing stops its feed.
        checks: how strictly its rows are judged.
        files: how a drop of files is read, for adapters that read one.
        sql: how a database is read, for adapters that read one.
        date_formats: Spark date patterns tried in this order; empty takes the adapter's own.
    """

    adapter: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    root: str | None = None
    connection: str | None = None
    feeds: tuple[str, ...] | None = None
    ledger: Literal["provider", "payer_extract"] = "provider"
    denial_evidence: Literal["adjustments", "line_code", "none"] = "adjustments"
    version_mode: Literal["replace", "delta", "reverse_and_rebill"] = "replace"
    version_suffix: Annotated[str, Field(min_length=1)] | None = None
    source_rank: Annotated[int, Field(ge=0)] = 100
    closes_claims: bool = True
    days_to_close: Annotated[int, Field(ge=0)] = 120
    dropped_columns: tuple[str, ...] = ()
    checks: CheckSettings = CheckSettings()
    files: FileSettings = FileSettings()
    sql: SqlSettings = SqlSettings()
    date_formats: tuple[str, ...] = ()

    @field_validator("connection")
    @classmethod
    def _is_a_reference(cls, reference: str | None) -> str | None:
        return None if reference is None else secret_reference(reference)
