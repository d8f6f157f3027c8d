"""Patients of Synthea: nearly every direct identifier. Only birth date, sex, state and ZIP go on, with coverage."""

from lakehouse.spec.feed import feed, raw
from lakehouse.spec.field import BIRTH_DATE, DIRECT, GEOGRAPHY, MEMBER
from lakehouse.spec.sources import FileSource

patients = feed(
    "synthea",
    "patients",
    "patients of a Synthea export",
    source=FileSource(stem="patients"),
    key=("id",),
    fields=[
        raw("id", "patient", required=True, phi=MEMBER),
        raw("birthdate", "date of birth", phi=BIRTH_DATE),
        raw("deathdate", "date of death", phi=BIRTH_DATE),
        raw("ssn", "social security number", phi=DIRECT),
        raw("drivers", "driver's licence", phi=DIRECT),
        raw("passport", "passport number", phi=DIRECT),
        raw("prefix", "form of address", phi=DIRECT),
        raw("first", "first name", phi=DIRECT),
        raw("middle", "middle name; newer exports only", phi=DIRECT),
        raw("last", "last name", phi=DIRECT),
        raw("suffix", "suffix of the name", phi=DIRECT),
        raw("maiden", "maiden name", phi=DIRECT),
        raw("marital", "marital status"),
        raw("race", "race"),
        raw("ethnicity", "ethnicity"),
        raw("gender", "M or F"),
        raw("birthplace", "place of birth", phi=GEOGRAPHY),
        raw("address", "street of residence", phi=DIRECT),
        raw("city", "city of residence", phi=GEOGRAPHY),
        raw("state", "state of residence, by name"),
        raw("county", "county of residence", phi=GEOGRAPHY),
        raw("fips", "county code; newer exports only", phi=GEOGRAPHY),
        raw("zip", "ZIP of residence", phi=GEOGRAPHY),
        raw("lat", "latitude of residence", phi=GEOGRAPHY),
        raw("lon", "longitude of residence", phi=GEOGRAPHY),
        raw("healthcare_expenses", "USD of care over the life"),
        raw("healthcare_coverage", "USD of it that payers covered"),
        raw("income", "USD a year; newer exports only", phi=DIRECT),
    ],
)
