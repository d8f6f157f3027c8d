from collections.abc import Mapping, Sequence

import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.member import member
from silver import rows
from silver.rows import Row

STATEMENT: Row = {
    "network": "north",
    "member_token_key_version": "1",
    "payer_name": "Aetna",
    "delivered_at": "2026-01-20T06:00:00",
    "stated_at": "2026-01-01T00:00:00",
}

# member: (statements, birth_year, is_90_or_more, sex, state)
MEMBERS: Mapping[str, tuple[Sequence[Row], tuple[object, ...]]] = {
    "said once": ([{"birth_year": 1980, "sex": "F", "state": "MA"}], (1980, False, "F", "MA")),
    "89 in the year of the delivery": ([{"birth_year": 1937}], (1937, False, None, None)),
    "90 in the year of the delivery": ([{"birth_year": 1936}], (None, True, None, None)),
    "grown old since": (
        [{"birth_year": 1930, "delivered_at": "2019-01-01T00:00:00"}, {"birth_year": 1930}],
        (None, True, None, None),
    ),
    "no year was sent": ([{"sex": "M"}], (None, None, "M", None)),
    "the newest statement holds": (
        [
            {"birth_year": 1980, "sex": "F", "state": "MA", "stated_at": "2026-01-03T00:00:00"},
            {"birth_year": 1981, "sex": "M", "state": "NH", "stated_at": "2026-01-02T00:00:00"},
        ],
        (1980, False, "F", "MA"),
    ),
    "of equal stamps the greater number holds": (
        [{"birth_year": 1980, "source_sequence": 2}, {"birth_year": 1981, "source_sequence": 1}],
        (1980, False, None, None),
    ),
    "a tombstone that says nothing takes nothing away": (
        [{"birth_year": 1980, "sex": "F"}, {"stated_at": "2026-02-01T00:00:00", "is_withdrawn": True}],
        (1980, False, "F", None),
    ),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Mapping[str, tuple[object, ...]]:
    given = [{**STATEMENT, "member_token": name, **row} for name, (sent, _) in MEMBERS.items() for row in sent]
    result = member(statements=rows.frame(spark, eligibility.fields, *given))
    assert result.columns == list(member.field_names)
    collected = result.collect()
    assert len(collected) == len(MEMBERS)
    assert {(r["network"], r["member_token_key_version"]) for r in collected} == {("north", "1")}
    return {r["member_token"]: (r["birth_year"], r["is_90_or_more"], r["sex"], r["state"]) for r in collected}


def test_statements_that_disagree_about_sex_or_birth_are_told(spark: SparkSession) -> None:
    said: Mapping[str, Sequence[Row]] = {
        "agree": [{"sex": "F", "birth_year": 1980}, {"sex": "F"}, {"birth_year": 1980, "state": "MA"}],
        "sex": [{"sex": "F"}, {"sex": "M"}],
        "birth": [{"birth_year": 1980}, {"birth_year": 1981}],
        "old": [{"birth_year": 1930}, {"birth_year": 1931}],
        "silent": [{}],
    }
    given = [{**STATEMENT, "member_token": name, **row} for name, sent in said.items() for row in sent]
    result = member(statements=rows.frame(spark, eligibility.fields, *given))
    assert {r["member_token"] for r in result.where("has_conflicts").collect()} == {"sex", "birth", "old"}
    assert sorted(rows.holds(result, member, "statements_agree")) == [False, False, False, True, True]


@pytest.mark.parametrize("name", MEMBERS)
def test_member_is_what_the_newest_statement_says(found: Mapping[str, tuple[object, ...]], name: str) -> None:
    assert found[name] == MEMBERS[name][1]
