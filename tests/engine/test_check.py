"""How many failing rows a rule accepts, and what stops a build: from counts alone."""

import pytest

from engine.world import visit
from lakehouse.engine.check import judge, refuse, row_rules
from lakehouse.errors import ExpectationError
from lakehouse.spec.expectations import DROP, FAIL, QUARANTINE, WARN, Consequence, not_null


@pytest.mark.parametrize(
    ("at_most", "failed", "total", "holds"),
    [
        (None, 0, 0, True),
        (None, 1, 100, False),
        (0, 0, 100, True),
        (0, 1, 100, False),
        (2, 2, 2, True),
        (2, 3, 100, False),
        ("1%", 1, 100, True),
        ("1%", 2, 100, False),
        ("1%", 1, 99, False),
        ("0.5%", 1, 200, True),
        ("100%", 7, 7, True),
        ("1%", 0, 0, True),
    ],
)
def test_a_rule_holds_up_to_what_it_tolerates(at_most: str | int | None, failed: int, total: int, holds: bool) -> None:
    rule = not_null("payer_name", on_failure=WARN, at_most=at_most)
    (result,) = judge(visit, [rule], [failed], total)
    assert (result.failed, result.total, result.holds) == (failed, total, holds)


@pytest.mark.parametrize(
    ("consequence", "at_most", "stops"),
    [
        (FAIL, None, True),
        (FAIL, 1, True),
        (FAIL, 2, False),
        (QUARANTINE, None, False),
        (QUARANTINE, 1, True),
        (QUARANTINE, 2, False),
        (DROP, None, False),
        (DROP, 1, True),
        (WARN, None, False),
        (WARN, 0, False),
    ],
)
def test_a_broken_rule_stops_when_it_fails_or_more_is_set_aside_than_tolerated(
    consequence: Consequence, at_most: int | None, stops: bool
) -> None:
    rule = not_null("payer_name", on_failure=consequence, at_most=at_most)
    results = judge(visit, [rule], [2], 10)
    if not stops:
        refuse(visit, [rule], results)
        return
    with pytest.raises(
        ExpectationError, match=r"silver\.visit: nothing was written.*payer_name_not_null: 2 of 10 rows"
    ):
        refuse(visit, [rule], results)


def test_keys_and_readable_text_are_demanded_without_being_asked_for() -> None:
    names = [(rule.name, rule.on_failure) for rule in row_rules(visit)]
    assert names == [
        ("parseable", QUARANTINE),
        ("modified_at_not_ahead", WARN),
        ("network_required", QUARANTINE),
        ("visit_id_required", QUARANTINE),
        ("amount_below_a_million", QUARANTINE),
        ("amount_not_negative", WARN),
    ]
