"""Settings of file drops: what cannot work is refused when they are read."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from lakehouse.settings_files import ExpectedDelivery, FileSettings


def test_nothing_set_asks_nothing_of_the_sender() -> None:
    how = FileSettings()
    assert (how.done_marker, how.stable_seconds, how.control, how.header_mark, how.expect) == (
        None,
        0,
        "none",
        None,
        (),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("done_marker", "done"),
        ("done_marker", ".csv"),
        ("done_marker", ".done.GZ"),
        ("control", "footer"),
        ("control_name", "{name}"),
        ("control_name", "ctl/{name}.ctl"),
        ("control_name", "{name}-{stem}.ctl"),
        ("control_name", "{file}.ctl"),
        ("trailer_rows_field", 1),
        ("trailer_mark", "A B"),
        ("header_mark", "TRL"),
        ("part_rows", 0),
        ("unknown", 1),
    ],
)
def test_what_cannot_work_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        FileSettings.model_validate({key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("zone", "Mars/Phobos"), ("zone", "../x"), ("by", "24:00"), ("by", "6:00"), ("weekdays", []), ("month_day", 32)],
)
def test_a_schedule_that_never_comes_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        ExpectedDelivery.model_validate({"feed": "claims", "by": "06:00", key: value})


def test_grace_is_minutes() -> None:
    assert ExpectedDelivery(feed="claims", by="23:59", grace_minutes=90).grace == timedelta(hours=1, minutes=30)
