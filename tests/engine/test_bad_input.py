"""What no sender should send, through the real claim feed: each row ends where its rule says, and is counted.

The claims feed of the standard adapter to `silver.claim`; the run stops only where a rule that fails says so.
"""

import pytest
from pyspark.sql import SparkSession

from engine.world import Ran, World, csv_of
from lakehouse.engine.run import Outcome
from lakehouse.spec.registry import Registry
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
CLAIM, BRONZE, OTHER_BRONZE = "silver.claim", "bronze.harbor_claims", "bronze.marina_claims"
TEN_MB = "x" * (10 << 20)
SSN = "078-05-1120"
NINES = "9" * 38


class ClaimLake(World):
    """A lake with the declared tables, and two networks that send files in the contract's columns."""

    first: Ran

    @property
    def registry(self) -> Registry:
        return Registry.discover(self.settings.networks)

    def deliver_claims(self, name: str, *rows: dict[str, str], network: str = "harbor", tail: bytes = b"") -> None:
        self.deliver(name, csv_of(rows) + tail, network=network, feed="claims")


def claim(claim_id: str, **columns: str) -> dict[str, str]:
    """A row that breaks no rule that sets aside."""
    sound = {
        "claim_id": claim_id,
        "member_id": f"M-{claim_id}",
        "payer_name": "Aetna",
        "plan_name": "Gold",
        "claim_type": "professional",
        "frequency_code": "1",
        "billing_npi": "1234567893",
        "rendering_npi": "1245319599",
        "diagnosis_codes": "I10",
        "service_from_date": "2026-01-02",
        "billed_amount": "100.00",
        "modified_at": "2026-01-05T08:00:00Z",
    }
    return sound | columns


GOOD = [claim(f"G{i:02}") for i in range(90)]
ODD = [
    claim("amount", billed_amount=NINES),
    claim("early", service_from_date="1899-12-31"),
    claim("signed", billed_amount="-0.01"),
    claim("letters", billing_npi="12345678AB"),
    claim("long", plan_name=TEN_MB),
    claim("secret", plan_name=f"Gold, {SSN}"),
    claim("nameless", member_id="UNKNOWN"),
    claim("late", modified_at="2030-01-01T00:00:00Z"),
]
NOT_UTF8 = b"bytes,M1,Aetna,G\xfcld,professional,1,1234567893,1245319599,I10,2026-01-02,100.00,2026-01-05T08:00:00Z\n"


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> ClaimLake:
    """One delivery with every odd row among good ones, and one of another network in which every row is bad."""
    lake = ClaimLake(spark, tmp_path_factory.mktemp("bad"), {"harbor": "standard", "marina": "standard"})
    lake.deliver_claims("claims-2026-01-06.csv", *GOOD, *ODD, tail=NOT_UTF8)
    lake.deliver_claims(
        "claims-2026-01-06.csv", *[claim(f"B{i}", billed_amount="none") for i in range(3)], network="marina"
    )
    lake.first = lake.run(BRONZE, OTHER_BRONZE, CLAIM)
    return lake


def test_each_odd_row_ends_where_its_rule_says(told: ClaimLake) -> None:
    first = told.first
    assert first.counts(BRONZE) == {"deliveries": 1, "rows": 98, "rejected": 1}
    assert first.counts(CLAIM) == {"inserted": 95, "quarantined": 6}
    aside = told.rows(quarantine_of(CLAIM), "_network", "row['claim_id']", "_failed_expectations", "_unparsed")
    assert aside == [
        ("harbor", "amount", ["parseable"], ["billed_amount"]),
        ("harbor", "early", ["dates_not_too_early"], []),
        ("harbor", "signed", ["original_charge_not_negative"], []),
        *[("marina", f"B{i}", ["parseable"], ["billed_amount"]) for i in range(3)],
    ]
    failed = {(c.name, c.network): c.failed for c in first.result(CLAIM).checks if c.failed}
    expected = {
        ("billing_npi_valid", "harbor"): 1,
        ("free_text_without_ssn", "harbor"): 1,
        ("member_is_known", "harbor"): 1,
        ("modified_at_not_ahead", "harbor"): 1,
        ("quarantined_share", "harbor"): 3,
        ("quarantined_share", "marina"): 3,
    }
    assert {rule: failed.get(rule) for rule in expected} == expected


def test_what_is_kept_is_whole_and_what_must_not_be_stored_is_masked(told: ClaimLake) -> None:
    odd = told.rows(CLAIM, "claim_id", "length(plan_name)", "left(plan_name, 20)", where="plan_name <> 'Gold'")
    assert odd == [("long", len(TEN_MB), "x" * 20), ("secret", 17, "Gold, ***-**-****")]
    assert told.rows(CLAIM, "claim_id", where="member_token IS NULL") == [("nameless",)]
    for value in (SSN, NINES):
        assert value not in told.log_text()


def test_an_empty_delivery_changes_nothing_and_one_in_which_all_is_bad_stops_the_build(told: ClaimLake) -> None:
    told.deliver("claims-2026-01-07.csv", csv_of(GOOD).splitlines()[0] + b"\n", network="harbor", feed="claims")
    empty = told.run(BRONZE, CLAIM)
    assert empty.counts(BRONZE) == {"deliveries": 1}
    assert empty[CLAIM].outcome in (Outcome.MARKED, Outcome.CURRENT)

    told.deliver_claims("claims-2026-01-08.csv", *[claim(f"N{i}", service_from_date="soon") for i in range(25)])
    before = told.versions()[CLAIM]
    stopped = told.run(BRONZE, CLAIM, must=1)
    assert stopped.counts(BRONZE) == {"deliveries": 1, "rows": 25}
    assert "do not hold: quarantined_share: 25 of 25 rows of harbor." in (stopped[CLAIM].error or "")
    assert told.versions()[CLAIM] == before
    assert len(told.rows(quarantine_of(CLAIM), "_row_number", where="row['claim_id'] LIKE 'N%'")) == 25
