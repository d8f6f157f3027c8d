"""Payers of Synthea: names by id. The counters cover the whole simulation and reconcile to no claim."""

from lakehouse.spec.feed import feed, raw
from lakehouse.spec.sources import FileSource

NO_INSURANCE = "NO_INSURANCE"  # name of the row that stands for being uninsured

COUNTERS = (
    "amount_covered",
    "amount_uncovered",
    "revenue",
    "covered_encounters",
    "uncovered_encounters",
    "covered_medications",
    "uncovered_medications",
    "covered_procedures",
    "uncovered_procedures",
    "covered_immunizations",
    "uncovered_immunizations",
    "unique_customers",
    "qols_avg",
    "member_months",
)

payers = feed(
    "synthea",
    "payers",
    "payers of a Synthea export",
    source=FileSource(stem="payers"),
    key=("id",),
    fields=[
        raw("id", "payer", required=True),
        raw("name", "payer's name", required=True),
        raw("ownership", "GOVERNMENT, PRIVATE or NO_INSURANCE; newer exports only"),
        raw("address", "street"),
        raw("city", "city"),
        raw("state_headquartered", "two-letter state"),
        raw("zip", "ZIP"),
        raw("phone", "telephone"),
        *[raw(name, f"{name.replace('_', ' ')} over the whole simulation") for name in COUNTERS],
    ],
)
