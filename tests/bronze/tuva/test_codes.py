"""Codes of the Tuva input layer."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.bronze.tuva.codes import bill_type, frequency, ms_drg, procedure_code_system, without_dot


def test_codes_get_the_form_of_the_contracts(spark: SparkSession) -> None:
    systems = {
        "99213": "cpt", "0001f": "cpt", "0042T": "cpt", "J1100": "hcpcs", "V2020": "hcpcs", "W0001": "other",
        "9921": "other", "0DTJ4ZZ": "other", "99213\n": "cpt", " ": None, None: None,
    }  # fmt: skip
    bills = {
        "111": ("111", "1"), "0111": ("111", "1"), "13g": ("13G", "G"), "0897": ("897", "7"), "13": ("13", None),
        "1111": ("1111", None), "": (None, None), None: (None, None),
    }  # fmt: skip
    groups = {
        ("71", None): "071", ("418", "MS-DRG"): "418", ("071", ""): "071", ("194", "apr-drg"): None, (None, None): None,
    }  # fmt: skip
    diagnoses = {"K21.9": "K219", "U071": "U071", "  ": None, None: None}
    rows = [
        ("system", *pair) for pair in ((code, None) for code in systems)
    ] + [("bill", code, None) for code in bills] + [("group", *pair) for pair in groups] + [
        ("diagnosis", code, None) for code in diagnoses
    ]  # fmt: skip
    code = F.col("code")
    found = (
        spark.createDataFrame([(n, *row) for n, row in enumerate(rows)], "n int, kind string, code string, type string")
        .select("n", "kind", procedure_code_system(code), bill_type(code), frequency(code), ms_drg(code, F.col("type")),
                without_dot(code))
        .orderBy("n")
        .collect()
    )  # fmt: skip
    of = {kind: [tuple(r)[2:] for r in found if r["kind"] == kind] for kind in ("system", "bill", "group", "diagnosis")}
    assert [r[0] for r in of["system"]] == list(systems.values())
    assert [(r[1], r[2]) for r in of["bill"]] == list(bills.values())
    assert [r[3] for r in of["group"]] == list(groups.values())
    assert [r[4] for r in of["diagnosis"]] == list(diagnoses.values())
