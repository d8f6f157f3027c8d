from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.adjustment_codes import adjustment_group, adjustment_reason, carc_or_null
from lakehouse.spec.field import STRING, field
from silver import rows

SPELLINGS: dict[tuple[str | None, str | None], tuple[str, str | None]] = {
    ("CO", "45"): ("CO", "45"),
    (" co ", "045"): ("CO", "45"),
    (None, "CO-45"): ("CO", "45"),
    (" ", "CO45"): ("CO", "45"),
    ("-", "co 45"): ("CO", "45"),
    (None, "pr_096"): ("PR", "96"),
    ("OA", "CO-45"): ("OA", "45"),
    (None, "45"): ("-", "45"),
    (None, "D-16"): ("-", "16"),
    (None, "d16"): ("-", "16"),
    ("CO", "D016"): ("CO", "16"),
    (None, "CO-D16"): ("CO", "16"),
    (None, "b7"): ("-", "B7"),
    (None, "CO-B7"): ("CO", "B7"),
    (None, "COB7"): ("CO", "B7"),
    ("CO", "A1"): ("CO", "A1"),
    (None, "P14"): ("-", "P14"),
    (None, "PI204"): ("PI", "204"),
    ("PI", "W1"): ("PI", "W1"),
    (None, "000"): ("-", "0"),
    (None, " not covered "): ("-", "NOT COVERED"),
    (None, "COB"): ("-", "COB"),
    (None, "PRIOR 45"): ("-", "PRIOR 45"),
    (None, "D-AUTH"): ("-", "D-AUTH"),
    ("ZZ", "45"): ("ZZ", "45"),
    ("CO", " "): ("CO", None),
    ("CO", "-"): ("CO", None),
    (None, None): ("-", None),
}
CARCS = {
    "1": "1",
    "253": "253",
    "B7": "B7",
    "P14": "P14",
    "A0": "A0",
    "B07": None,
    "0": None,
    "1234": None,
    "N130": None,
    "AUTH": None,
}


def test_every_spelling_of_a_code_becomes_one(spark: SparkSession) -> None:
    columns = [field("group", STRING, "as sent"), field("reason", STRING, "as sent")]
    sent = rows.frame(spark, columns, *[{"group": g, "reason": r} for g, r in SPELLINGS])
    found = sent.select(
        "group",
        "reason",
        adjustment_group(F.col("group"), F.col("reason")).alias("group_code"),
        adjustment_reason(F.col("reason")).alias("reason_code"),
    ).collect()
    assert {(r["group"], r["reason"]): (r["group_code"], r["reason_code"]) for r in found} == SPELLINGS


def test_only_what_looks_like_an_x12_reason_is_taken_for_one(spark: SparkSession) -> None:
    sent = rows.frame(spark, [field("reason", STRING, "cleaned")], *[{"reason": r} for r in CARCS])
    found = sent.select("reason", carc_or_null(F.col("reason")).alias("carc")).collect()
    assert {r["reason"]: r["carc"] for r in found} == CARCS
