"""The ledger of Synthea's claims: charges, payments, and transfers of a balance from one party to another.

`claim_lines.py` reads the charges of it, `payments.py` the payments.
"""

from pyspark.sql import Column, Window, WindowSpec
from pyspark.sql import functions as F

from lakehouse.spec.columns import clean_code, parse_long
from lakehouse.spec.feed import feed, raw
from lakehouse.spec.field import ACCOUNT, HEALTH, MEMBER
from lakehouse.spec.sources import FileSource

TYPES = ("CHARGE", "PAYMENT", "ADJUSTMENT", "TRANSFERIN", "TRANSFEROUT")

claims_transactions = feed(
    "synthea",
    "claims_transactions",
    "ledger of the claims of a Synthea export",
    source=FileSource(stem="claims_transactions"),
    key=("id",),
    fields=[
        raw("id", "transaction", required=True, phi=ACCOUNT),
        raw("claimid", "claim", required=True, phi=ACCOUNT),
        raw("chargeid", "running number of the transaction within one export", required=True, phi=ACCOUNT),
        raw("patientid", "patient", phi=MEMBER),
        raw("type", "CHARGE, PAYMENT, ADJUSTMENT, TRANSFERIN or TRANSFEROUT", required=True),
        raw("amount", "USD charged or transferred in", required=True),
        raw("method", "of a payment: ECHECK from a payer; COPAY, CASH, CHECK, CC from the patient", required=True),
        raw("fromdate", "start of the service, UTC", required=True),
        raw("todate", "end of the service, UTC; the epoch where unknown"),
        raw("placeofservice", "facility, not a place-of-service code"),
        raw("procedurecode", "SNOMED CT, RxNorm or CVX code", phi=HEALTH),
        raw("modifier1", "first modifier"),
        raw("modifier2", "second modifier"),
        *[raw(f"diagnosisref{n}", "number of a diagnosis of the claim") for n in range(1, 5)],
        raw("units", "service units"),
        raw("departmentid", "department of the visit"),
        raw("notes", "wording of the procedure code", phi=HEALTH),
        raw("unitamount", "USD per unit"),
        raw("transferoutid", "chargeid of the TRANSFEROUT that a TRANSFERIN answers", phi=ACCOUNT),
        raw("transfertype", "who owes from here on: 1 primary payer, 2 secondary payer, p patient", required=True),
        raw("payments", "USD paid", required=True),
        raw("adjustments", "USD written off; empty in older exports"),
        raw("transfers", "USD transferred"),
        raw("outstanding", "USD open after the transaction"),
        raw("appointmentid", "encounter", phi=ACCOUNT),
        raw("linenote", "note on the line", phi=HEALTH),
        raw("patientinsuranceid", "patient id or member number, never a payer", phi=MEMBER),
        raw("feescheduleid", "fee schedule"),
        raw("providerid", "treating provider"),
        raw("supervisingproviderid", "supervising provider"),
    ],
)


def transaction_type() -> Column:
    """The type in upper case; null when blank."""
    return clean_code(F.col("type"))


def charge_number() -> Column:
    """The running number of a transaction, which rises in the order the exporter wrote them."""
    return parse_long(F.col("chargeid"))


def earlier_in_claim() -> WindowSpec:
    """The transactions of the same claim and delivery with a smaller running number.

    An export writes a claim whole: one charge, all that was paid on it and moved, then the next charge. A row sent
    twice keeps its number, so it is never its own predecessor.
    """
    claim = Window.partitionBy("_batch_id", "claimid").orderBy(charge_number().asc_nulls_first())
    return claim.rangeBetween(Window.unboundedPreceding, -1)


def written_order() -> Column:
    """Total order of the transactions of a delivery, to name the last of several."""
    return F.struct(charge_number(), F.col("_source"), F.col("_row_number"))


def drop_reason_unless(used: str, noun: str) -> Column:
    """Null for rows of type `used`, else why the row is no `noun`, e.g. `transferin_is_not_a_charge`."""
    of_type = F.when(transaction_type().isin(*TYPES), F.lower(transaction_type())).otherwise(F.lit("unknown_type"))
    return F.when(~transaction_type().eqNullSafe(used), F.concat(of_type, F.lit(f"_is_not_a_{noun}")))
