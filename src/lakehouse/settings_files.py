"""Settings of a network that delivers files: how its sender finishes, counts and schedules them."""

import re
from datetime import date, timedelta
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from lakehouse.settings_section import Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATA_ENDING = re.compile(r"(?i).*\.(csv|psv|txt|tsv|jsonl|ndjson|parquet|gz|zip)")
_MARK = r"^[^\s\"]{1,32}$"


class ExpectedDelivery(Section):
    """When files of a feed should be there.

    Attributes:
        feed: its name.
        weekdays: days of the week they are expected on.
        month_day: day of the month instead, 1 to 31; in a shorter month its last day.
        by: local time of day, `HH:MM`.
        zone: IANA time zone of `by`.
        grace_minutes: how much later than `by` is still no reason to tell anyone.
        date_lag_days: days from the date in a file's name to the day it is expected on: 1 when Tuesday's file is named
            for Monday.
        first_day: from when on; None begins with the oldest file known.
        not_on: days on which none is sent, such as holidays.
    """

    feed: Annotated[str, Field(min_length=1)]
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    month_day: Annotated[int, Field(ge=1, le=31)] | None = None
    by: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    zone: str = "UTC"
    grace_minutes: Annotated[int, Field(ge=0)] = 0
    date_lag_days: Annotated[int, Field(ge=0, le=31)] = 0
    first_day: date | None = None
    not_on: tuple[date, ...] = ()

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise ValueError("expected an IANA time zone such as America/New_York") from None
        return zone

    @property
    def grace(self) -> timedelta:
        """`grace_minutes` as a span."""
        return timedelta(minutes=self.grace_minutes)


class FileSettings(Section):
    """How the files of a network come.

    Attributes:
        done_marker: ending of the empty file that says another is complete: with `.done`, `claims.csv` is read once
            `claims.csv.done` lies beside it and is no older. None asks for no marker.
        stable_seconds: a file changed less than so many seconds before the run started is still being written.
        control: where the sender says how much a file holds: nowhere, in a control file beside it, or in the last
            record of delimited text (its trailer). Forms of a control file: see `lakehouse.storage.control_files`.
        control_name: name of the control file, in the folder of its file. `{name}` is the file's whole name, `{stem}`
            the name without its endings; with neither, one control file tells of all files of the folder.
        header_mark: first field of a record above the column headers, which is left out; None where there is none.
        trailer_mark: first field of the trailer.
        trailer_rows_field: which field of the trailer is the number of rows; the mark is field 1.
        control_extra_rows: records the sender counts besides the rows, such as header and trailer.
        part_rows: most records of one commit; a larger file is landed in several.
        expect: when files should be there; what is missing then is told.
    """

    done_marker: Annotated[str, Field(pattern=r"^\.[A-Za-z0-9_.-]+$")] | None = None
    stable_seconds: Annotated[int, Field(ge=0)] = 0
    control: Literal["none", "file", "trailer"] = "none"
    control_name: Annotated[str, Field(min_length=1)] = "{name}.ctl"
    header_mark: Annotated[str, Field(pattern=_MARK)] | None = None
    trailer_mark: Annotated[str, Field(pattern=_MARK)] = "TRL"
    trailer_rows_field: Annotated[int, Field(ge=2)] = 2
    control_extra_rows: Annotated[int, Field(ge=0)] = 0
    part_rows: Annotated[int, Field(ge=1)] = 5_000_000
    expect: tuple[ExpectedDelivery, ...] = ()

    @field_validator("done_marker")
    @classmethod
    def _is_no_delivery(cls, marker: str | None) -> str | None:
        if marker is not None and _DATA_ENDING.fullmatch(marker):
            raise ValueError("expected an ending no delivery has, such as .done")
        return marker

    @field_validator("control_name")
    @classmethod
    def _is_a_name(cls, pattern: str) -> str:
        rest = pattern.replace("{name}", "", 1).replace("{stem}", "", 1)
        if not rest or "/" in pattern or "{" in rest or "}" in rest or ("{name}" in pattern and "{stem}" in pattern):
            raise ValueError("expected a file name with at most one of {name} and {stem}, such as {name}.ctl")
        return pattern

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.header_mark is not None and self.header_mark == self.trailer_mark:
            raise ValueError("header_mark and trailer_mark are the same; expected two marks")
        return self
