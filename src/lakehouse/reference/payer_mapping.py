"""Which standard payer a payer name stands for. Source: `payer_mapping.csv`, kept by the claims-data stewards."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import parse_date
from lakehouse.spec.expectations import FAIL, accepted_values, row, unique
from lakehouse.spec.field import DATE, STRING, field
from lakehouse.spec.scopes import ReplacePartitions, resource
from lakehouse.spec.table import table

PAYER_CODES = ("MEDICARE", "MEDICAID", "BCBS", "AETNA", "CIGNA", "UHC", "OTHER")
ANY = "-"


def mapping_key(name: Column) -> Column:
    """A name as the mapping spells it: upper case, punctuation and blanks as one blank; `-` where there is no name."""
    words = F.trim(F.regexp_replace(F.upper(name), r"[^\p{L}\p{N}]+", " "))
    return F.when(words != "", words).otherwise(F.lit(ANY))


def sent_name_key(name: Column) -> Column:
    """`mapping_key`, null where there is no name: no name is equal to none."""
    return F.nullif(mapping_key(name), F.lit(ANY))


def keys_are_normalised() -> Column:
    """Both key columns are spelled as `mapping_key` spells them, or no claim would ever find the row."""
    name, line_of_business = F.col("payer_name_key"), F.col("line_of_business_key")
    return (name == mapping_key(name)) & (line_of_business == mapping_key(line_of_business))


@table(
    "reference.payer_mapping",
    reads={"rows": resource("lakehouse.reference", "payer_mapping.csv")},
    fields=[
        field(
            "payer_name_key",
            STRING,
            "payer name in upper case, punctuation and blanks as one blank; - for no name",
            required=True,
        ),
        field("line_of_business_key", STRING, "line of business spelled likewise; - for any", required=True),
        field(
            "payer_code", STRING, "standard payer: MEDICARE, MEDICAID, BCBS, AETNA, CIGNA, UHC or OTHER", required=True
        ),
        field("effective_date", DATE, "day the decision took effect; a later decision replaces the row", required=True),
        field("source", STRING, "why the name stands for this payer", required=True),
    ],
    write=ReplacePartitions(keys=("payer_name_key", "line_of_business_key")),
    expectations=[
        unique("payer_name_key", "line_of_business_key", on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL),
        row("keys_are_normalised", keys_are_normalised, on_failure=FAIL),
    ],
    tags=("reference",),
)
def payer_mapping(rows: DataFrame) -> DataFrame:
    """One row per payer name and line of business that a steward decided on; absent names count as OTHER, unmapped."""
    return rows.select(
        "payer_name_key",
        "line_of_business_key",
        "payer_code",
        parse_date(F.col("effective_date")).alias("effective_date"),
        "source",
    )
