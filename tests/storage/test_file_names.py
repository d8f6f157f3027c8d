"""What names say."""

from datetime import date

import pytest

from lakehouse.storage.file_names import FileName, archive_stem, date_in, has_stem, parse_name, split_member


@pytest.mark.parametrize(
    ("path", "parsed"),
    [
        ("a/claims-2026.CSV.gz", FileName("claims-2026", ".csv", True)),
        ("claims.v2.psv", FileName("claims.v2", ".psv", False)),
        ("c.parquet", FileName("c", ".parquet", False)),
        ("c.parquet.gz", None),
        ("c.zip", None),
        (".csv", None),
        ("claims", None),
    ],
)
def test_a_name_tells_its_format(path: str, parsed: FileName | None) -> None:
    assert parse_name(path) == parsed


def test_an_archive_has_a_stem() -> None:
    assert (archive_stem("a/Claims.ZIP"), archive_stem("a.zip/claims.csv")) == ("Claims", None)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a/b.csv", ("a/b.csv", None)),
        ("a/b.zip", ("a/b.zip", None)),
        ("a/b.zip!/c/d.csv", ("a/b.zip", "c/d.csv")),
        ("a/B.Zip!/d.csv", ("a/B.Zip", "d.csv")),
    ],
)
def test_a_path_into_an_archive_is_split(path: str, parts: tuple[str, str | None]) -> None:
    assert split_member(path) == parts


@pytest.mark.parametrize(
    ("found", "belongs"),
    [
        ("claims", True),
        ("CLAIMS-2026", True),
        ("claims.3", True),
        ("claims_v1_2026-01-03", True),
        ("claims_lines", False),
        ("claims_visits", False),
        ("claims2", False),
        ("claimsv2", False),
    ],
)
def test_a_stem_may_be_followed_by_a_number_or_a_version(found: str, belongs: bool) -> None:
    assert has_stem(found, "claims") is belongs
    assert has_stem(found, "*")


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("claims/claims_20260105.csv.gz", date(2026, 1, 5)),
        ("2025-12-31/all-2026-01-05.zip!/claims.csv", date(2026, 1, 5)),
        ("2026-01-05/claims-2026-02-30.csv", date(2026, 1, 5)),
        ("c-120260105.csv", None),
        ("claims.csv", None),
    ],
)
def test_the_last_date_of_a_path_is_its_date(path: str, day: date | None) -> None:
    assert date_in(path) == day
