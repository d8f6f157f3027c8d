"""Claims of Synthea: one row per visit and one per drug, with the payer's id; amounts are on the lines only."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.synthea.encounters import encounters
from lakehouse.bronze.synthea.payers import payers
from lakehouse.spec.columns import blank_to_null, clean_code
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.field import ACCOUNT, HEALTH, MEMBER
from lakehouse.spec.scopes import changes, snapshot
from lakehouse.spec.sources import FileSource

NO_PAYER = "0"
DIAGNOSES = tuple(f"diagnosis{n}" for n in range(1, 9))

claims = feed(
    "synthea",
    "claims",
    "claim headers of a Synthea export",
    source=FileSource(stem="claims"),
    key=("id",),
    fields=[
        raw("id", "claim", required=True, phi=ACCOUNT),
        raw("patientid", "patient", required=True, phi=MEMBER),
        raw("providerid", "treating provider"),
        raw("primarypatientinsuranceid", "primary payer; `0` or blank for none", required=True),
        raw("secondarypatientinsuranceid", "secondary payer; `0` or blank for none"),
        raw("departmentid", "department of the visit"),
        raw("patientdepartmentid", "department of the patient"),
        *[raw(name, f"SNOMED CT diagnosis {name[-1]}", phi=HEALTH) for name in DIAGNOSES],
        raw("referringproviderid", "referring provider"),
        raw("appointmentid", "encounter the claim bills", phi=ACCOUNT),
        raw("currentillnessdate", "onset of the illness, UTC"),
        raw("servicedate", "start of the encounter, UTC", required=True),
        raw("supervisingproviderid", "supervising provider"),
        raw("status1", "CLOSED or BILLED with the primary payer"),
        raw("status2", "CLOSED or BILLED with the secondary payer"),
        raw("statusp", "CLOSED or BILLED with the patient"),
        raw("outstanding1", "USD the primary payer owes"),
        raw("outstanding2", "USD the secondary payer owes"),
        raw("outstandingp", "USD the patient owes"),
        raw("lastbilleddate1", "last bill to the primary payer, UTC"),
        raw("lastbilleddate2", "last bill to the secondary payer, UTC"),
        raw("lastbilleddatep", "last bill to the patient, UTC"),
        raw("healthcareclaimtypeid1", "1 professional, 2 institutional, by Synthea's own account"),
        raw("healthcareclaimtypeid2", "the same for the secondary payer; 0 for none"),
    ],
)


def real_payer_id(column: str) -> Column:
    """The payer's id; null for `0`, which names no payer."""
    payer_id = blank_to_null(F.col(column))
    return F.when(payer_id != NO_PAYER, payer_id)


def is_closed() -> Column:
    """true when every party that has a status is CLOSED; null when none has one."""
    statuses = F.array(*[clean_code(F.col(c)) for c in ("status1", "status2", "statusp")])
    known = F.filter(statuses, lambda status: status.isNotNull())
    return F.when(F.size(known) > 0, F.forall(known, lambda status: status == "CLOSED"))


def last_billed() -> Column:
    """The latest of the three bills; ISO 8601 texts in UTC order like their instants."""
    return F.greatest(*[blank_to_null(F.col(f"lastbilleddate{party}")) for party in ("1", "2", "p")])


def with_payers_and_visit(claims: DataFrame, payers: DataFrame, encounters: DataFrame) -> DataFrame:
    """One row per claim, with the names of its payers and the end and facility of its visit, null where unknown."""
    primary = payers.select(F.col("id").alias("primarypatientinsuranceid"), F.col("name").alias("primary_payer_name"))
    secondary = payers.select(F.col("id").alias("secondarypatientinsuranceid"), F.col("name").alias("other_payer_name"))
    visits = encounters.select(F.col("id").alias("appointmentid"), "stop", "organization")
    # A snapshot holds one row per key of its feed (`id` of both): no join adds rows.
    return (
        claims.join(primary, on="primarypatientinsuranceid", how="left")
        .join(secondary, on="secondarypatientinsuranceid", how="left")
        .join(visits, on="appointmentid", how="left")
    )


@conforms(CLAIMS, reads={"claims": changes(claims), "payers": snapshot(payers), "encounters": snapshot(encounters)})
def conform_claims(claims: DataFrame, payers: DataFrame, encounters: DataFrame) -> DataFrame:
    """One row per claim. A claim without a payer has no payer_id; an id that is missing in `payers` has no payer_name.

    claim_type is undetermined: Synthea's own type is 1 on wellness visits and 2 on all others, office visits included,
    so it does not tell a professional claim from an institutional one. A claim was closed with its last bill.
    """
    return with_payers_and_visit(claims, payers, encounters).select(
        F.col("_network").alias("network"),
        F.col("id").alias("claim_id"),
        absent("payer_control_number"),
        absent("patient_control_number"),
        absent("replaces_claim_id"),
        absent("frequency_code"),
        F.lit("undetermined").alias("claim_type"),
        F.col("patientid").alias("member_id"),
        F.col("primary_payer_name").alias("payer_name"),
        real_payer_id("primarypatientinsuranceid").alias("payer_id"),
        absent("plan_name"),
        absent("line_of_business"),
        F.col("other_payer_name").alias("secondary_payer_name"),
        absent("billing_provider_id"),
        F.col("providerid").alias("rendering_provider_id"),
        F.col("organization").alias("facility_provider_id"),
        absent("billing_npi"),
        absent("rendering_npi"),
        absent("facility_npi"),
        F.col("servicedate").alias("service_from_date"),
        F.col("stop").alias("service_to_date"),
        absent("admission_date"),
        absent("discharge_date"),
        F.col("lastbilleddate1").alias("submitted_date"),
        absent("received_date"),
        absent("adjudicated_date"),
        F.when(is_closed(), last_billed()).alias("closed_date"),
        is_closed().cast("string").alias("is_closed"),
        absent("appeal_date"),
        absent("appeal_outcome"),
        absent("bill_type_code"),
        absent("drg_code"),
        F.concat_ws("|", *[blank_to_null(F.col(c)) for c in DIAGNOSES]).alias("diagnosis_codes"),
        F.col("status1").alias("claim_status"),
        absent("payment_arrangement"),
        F.lit("line").alias("money_level"),
        absent("billed_amount"),
        absent("allowed_amount"),
        absent("paid_amount"),
        absent("patient_responsibility_amount"),
        *change_columns(),
        *lineage_of(claims),
        absent("_drop_reason"),
    )
