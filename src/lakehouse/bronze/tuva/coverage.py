"""Who insured a person on a day: early Tuva columns name no payer on the claim, so coverage tells it."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import blank_to_null, parse_date


def spans_by_person(spans: DataFrame) -> DataFrame:
    """One row per person (`person`): all spans as an array (`coverage_spans`) in the order they begin."""
    span = F.struct(
        parse_date(F.col("enrollment_start_date")).alias("starts_on"),
        parse_date(F.col("enrollment_end_date")).alias("ends_on"),
        blank_to_null(F.col("payer")).alias("payer"),
        blank_to_null(F.col("plan")).alias("plan"),
        blank_to_null(F.col("payer_type")).alias("payer_type"),
    )
    person = blank_to_null(F.col("patient_id")).alias("person")
    return spans.groupBy(person).agg(F.sort_array(F.collect_list(span)).alias("coverage_spans"))


def coverage_on(day: Column, payer: Column) -> Column:
    """The span of `coverage_spans` that says who insured the person on `day`; null when there are no spans.

    It is the span that holds the day (both ends count), of several the last to begin; else the last that began before
    the day; else the first. So a claim outside every span has its person's payer still, and is not called covered. A
    payer that the claim names leaves only spans of that payer.
    """
    of_payer = F.filter("coverage_spans", lambda s: payer.isNull() | (F.lower(s.payer) == F.lower(payer)))
    begun = F.filter(of_payer, lambda s: s.starts_on <= day)
    holding = F.filter(begun, lambda s: s.ends_on.isNull() | (s.ends_on >= day))
    last, first = F.lit(-1), F.lit(1)
    return F.coalesce(F.try_element_at(holding, last), F.try_element_at(begun, last), F.try_element_at(of_payer, first))
