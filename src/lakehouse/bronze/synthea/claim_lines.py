"""Claim lines of Synthea: the CHARGE rows of the ledger. TRANSFERIN also fills `amount`, but only moves a balance."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.synthea.claims_transactions import (
    charge_number,
    claims_transactions,
    drop_reason_unless,
    transaction_type,
)
from lakehouse.bronze.synthea.code_system import code_system
from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

UNKNOWN_END = "1970-01-01T00:00:00Z"


def end_of_service() -> Column:
    """The end as sent; null for the epoch, which the exporter writes for an unknown end."""
    sent = blank_to_null(F.col("todate"))
    return F.when(sent != UNKNOWN_END, sent)


def position_on_claim() -> Column:
    """1 for the first charge of the claim in the delivery, and so on; a charge sent twice keeps its position."""
    alike = Window.partitionBy("_batch_id", "claimid", transaction_type()).orderBy(charge_number().asc_nulls_last())
    position = F.dense_rank().over(alike.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return F.when((transaction_type() == "CHARGE") & charge_number().isNotNull(), position)


@conforms(CLAIM_LINES, reads={"transactions": changes(claims_transactions)}, money={"amount": ("billed_amount",)})
def conform_claim_lines(transactions: DataFrame) -> DataFrame:
    """One row per transaction, of which charges are used.

    A line is named by the transaction's id: `chargeid` is a running number that restarts with every export. The place
    of service is a facility's id, so it is not passed on.
    """
    return transactions.select(
        F.col("_network").alias("network"),
        F.col("claimid").alias("claim_id"),
        F.col("id").alias("line_id"),
        position_on_claim().cast("string").alias("line_number"),
        F.col("fromdate").alias("service_from_date"),
        end_of_service().alias("service_to_date"),
        F.col("procedurecode").alias("procedure_code"),
        code_system(blank_to_null(F.col("procedurecode"))).alias("procedure_code_system"),
        F.concat_ws("|", blank_to_null(F.col("modifier1")), blank_to_null(F.col("modifier2"))).alias("modifiers"),
        absent("revenue_code"),
        absent("place_of_service_code"),
        F.col("units").alias("units"),
        F.col("providerid").alias("rendering_provider_id"),
        absent("rendering_npi"),
        F.col("amount").alias("billed_amount"),
        absent("allowed_amount"),
        absent("paid_amount"),
        absent("patient_responsibility_amount"),
        absent("denial_code"),
        *change_columns(),
        *lineage_of(transactions),
        drop_reason_unless("CHARGE", "charge").alias("_drop_reason"),
    )
