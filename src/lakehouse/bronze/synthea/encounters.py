"""Encounters of Synthea: the visits that claims bill. They give a claim its facility and its last day."""

from lakehouse.spec.feed import feed, raw
from lakehouse.spec.field import ACCOUNT, HEALTH, MEMBER
from lakehouse.spec.sources import FileSource

encounters = feed(
    "synthea",
    "encounters",
    "visits of a Synthea export",
    source=FileSource(stem="encounters"),
    key=("id",),
    fields=[
        raw("id", "encounter", required=True, phi=ACCOUNT),
        raw("start", "start of the visit, UTC"),
        raw("stop", "end of the visit, UTC"),
        raw("patient", "patient", phi=MEMBER),
        raw("organization", "facility"),
        raw("provider", "treating provider"),
        raw("payer", "payer at the visit"),
        raw("encounterclass", "ambulatory, emergency, inpatient, outpatient, urgentcare, wellness ..."),
        raw("code", "SNOMED CT code of the visit", phi=HEALTH),
        raw("description", "wording of that code", phi=HEALTH),
        raw("base_encounter_cost", "USD for the visit itself", aliases=("cost",)),
        raw("total_claim_cost", "USD of everything at the visit; not the sum of its claims"),
        raw("payer_coverage", "USD the payer covered"),
        raw("reasoncode", "SNOMED CT diagnosis behind the visit", phi=HEALTH),
        raw("reasondescription", "wording of that diagnosis", phi=HEALTH),
    ],
)
