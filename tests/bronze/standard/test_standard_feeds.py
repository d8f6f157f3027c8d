"""The standard adapter: files in the contracts' columns pass through, and only a few blanks are filled."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from builders import given
from lakehouse.bronze.standard.adjustments import conform_adjustments
from lakehouse.bronze.standard.claim_lines import conform_claim_lines
from lakehouse.bronze.standard.claims import claims, conform_claims
from lakehouse.bronze.standard.denial_codes import conform_denial_codes, denial_codes
from lakehouse.bronze.standard.eligibility import conform_eligibility
from lakehouse.bronze.standard.payments import conform_payments, payments
from lakehouse.bronze.standard.providers import conform_providers, providers
from lakehouse.spec.contracts import CONTRACTS
from lakehouse.spec.feed import Conform
from lakehouse.spec.field import BRONZE_LINEAGE
from lakehouse.spec.registry import discover_adapters

CONFORMS = (
    conform_claims,
    conform_claim_lines,
    conform_payments,
    conform_adjustments,
    conform_providers,
    conform_eligibility,
    conform_denial_codes,
)
LINEAGE = [f.name for f in BRONZE_LINEAGE]
each_conform = pytest.mark.parametrize("conform", CONFORMS, ids=[c.contract.name for c in CONFORMS])


def test_the_adapter_sends_every_contract_once() -> None:
    adapter = discover_adapters()["standard"]
    assert set(adapter.feeds) == {c.name for c in CONTRACTS}
    assert {c.contract.name for c in adapter.conforms} == {c.name for c in CONTRACTS}
    assert len(adapter.conforms) == len(CONTRACTS)


@each_conform
def test_raw_columns_are_the_contracts_with_their_sensitivity(conform: Conform) -> None:
    expected = {f.name: f.phi for f in conform.contract.all_fields if f.name != "network"}
    assert {f.name: f.phi for f in conform.main.fields} == expected
    assert conform.main.source.folder == conform.contract.name
    assert conform.main.key == tuple(k for k in conform.contract.keys if k != "network")


@each_conform
def test_every_ledger_amount_is_accounted_for(conform: Conform) -> None:
    assert conform.money == {f.name: (f.name,) for f in conform.contract.fields if f.ledger}


def test_only_what_no_rule_can_fill_is_required_of_a_file() -> None:
    required = {
        feed.name: {f.name for f in feed.fields if f.required} for feed in (claims, payments, providers, denial_codes)
    }
    assert required == {
        "claims": {"claim_id", "member_id", "service_from_date"},
        "payments": {"remittance_id", "payment_kind", "remit_date"},
        "providers": {"provider_id"},
        "denial_codes": {"denial_code"},
    }


@each_conform
def test_an_ordinary_row_passes_as_sent(spark: SparkSession, conform: Conform) -> None:
    raw_rows = given(spark, conform.main, {})
    names = [f.name for f in conform.contract.all_fields]
    conformed = conform(**{conform.main_input: raw_rows})
    assert conformed.columns == [*names, *LINEAGE, "_drop_reason"]
    assert {type_ for name, type_ in conformed.dtypes if name in names} == {"string"}
    as_sent = raw_rows.select(F.col("_network").alias("network"), *names[1:], *LINEAGE)
    assert_df_equality(conformed.drop("_drop_reason"), as_sent, ignore_nullable=True, ignore_metadata=True)
    assert conformed.where(F.col("_drop_reason").isNotNull()).isEmpty()


@each_conform
def test_a_row_of_nulls_is_kept_once_with_its_lineage(spark: SparkSession, conform: Conform) -> None:
    nothing = {f.name: None for f in conform.main.fields}
    row = conform(**{conform.main_input: given(spark, conform.main, nothing, nothing)}).collect()
    filled = {"network", "is_deleted", "payment_id", "location_id"} | (
        {"group_code"} if conform is conform_denial_codes else set()
    )
    assert [r["_row_number"] for r in row] == [1, 2]
    assert {name for name, value in row[0].asDict().items() if value is not None} <= filled | set(LINEAGE)
    assert row[0]["is_deleted"] == "false"


def test_a_tombstone_keeps_its_mark(spark: SparkSession) -> None:
    raw_rows = given(spark, claims, {"is_deleted": "true"}, {"is_deleted": " "})
    assert [r.is_deleted for r in conform_claims(claims=raw_rows).collect()] == ["true", "false"]


def test_a_row_sent_twice_comes_out_twice(spark: SparkSession) -> None:
    assert conform_claims(claims=given(spark, claims, {"claim_id": "C1"}, {"claim_id": "C1"})).count() == 2


def test_a_payment_without_an_id_is_named_by_its_place(spark: SparkSession) -> None:
    raw_rows = given(
        spark,
        payments,
        {"payment_id": "P1"},
        {"payment_id": None, "_source": "payments/a.csv"},
        {"payment_id": "  ", "_source": "payments/a.csv"},
    )
    ids = [r.payment_id for r in conform_payments(payments=raw_rows).collect()]
    assert ids == ["P1", "payments/a.csv#2", "payments/a.csv#3"]


def test_a_reversal_keeps_its_sign(spark: SparkSession) -> None:
    raw_rows = given(spark, payments, {"paid_amount": "-10.50"}, {"paid_amount": "0"})
    assert [r.paid_amount for r in conform_payments(payments=raw_rows).collect()] == ["-10.50", "0"]


def test_a_blank_location_is_the_main_one(spark: SparkSession) -> None:
    raw_rows = given(spark, providers, {"location_id": "L2"}, {"location_id": " "}, {"location_id": None})
    assert [r.location_id for r in conform_providers(providers=raw_rows).collect()] == ["L2", "MAIN", "MAIN"]


def test_a_blank_group_stands_for_any(spark: SparkSession) -> None:
    raw_rows = given(spark, denial_codes, {"group_code": "PR"}, {"group_code": ""}, {"group_code": None})
    assert [r.group_code for r in conform_denial_codes(denial_codes=raw_rows).collect()] == ["PR", "-", "-"]
