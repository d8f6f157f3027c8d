"""What silver.claim_final is given, made of hand-written claims, lines, payments and adjustments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.denial_code import denial_code
from lakehouse.silver.eligibility_span import eligibility_span
from lakehouse.silver.provider import provider
from lakehouse.silver.remittance import remittance
from silver import rows
from silver.rows import Row

# Group, reason -> denial. By hand, so that the shipped table may change.
REASONS = (
    ("-", "1", False), ("-", "2", False), ("-", "3", False), ("OA", "23", False), ("CO", "45", False),
    ("-", "18", True), ("-", "29", True), ("-", "50", True), ("-", "97", True), ("-", "94", False),
)  # fmt: skip
AETNA = {"payer_name_key": "AETNA", "line_of_business_key": "-", "payer_code": "AETNA"}


BILLED_100_ALLOWED_80: tuple[Row, ...] = ({"billed_amount": "100.00", "allowed_amount": "80.00"},)

BY_LINE: Row = {"network": "by_line", "denial_evidence": "line_code"}
FIRST: Row = {"submitted_date": "2026-01-11"}
REPLACED: Row = {"claim_id": "B", "replaces_claim_id": "-", "frequency_code": "7", "submitted_date": "2026-02-01"}
VOIDED: Row = {**REPLACED, "frequency_code": "8"}
TWO: tuple[Row, ...] = ({"billed_amount": "60.00"}, {"billed_amount": "40.00"})


@dataclass(frozen=True)
class Case:
    """One family and what must come out of it; `expected` None means no row at all.

    Attributes:
        claim: its first claim, called as the case; None: it never came.
        versions: more claims; `claim_id` and `replaces_claim_id` are said without the case's name (`-` the first).
        lines: of the first claim, unless `claim_id` names a version.
        payments: likewise, `line_id` being the number of a line; `adjustments` are (group, reason, amount), `batch`
            the delivery.
        expected: columns of silver.claim_final.
    """

    claim: Row | None = field(default_factory=dict)
    versions: tuple[Row, ...] = ()
    lines: tuple[Row, ...] = BILLED_100_ALLOWED_80
    payments: tuple[Row, ...] = ()
    expected: Mapping[str, object] | None = field(default_factory=dict)


def settlement_inputs(spark: SparkSession, cases: Mapping[str, Case], *networks: Row) -> dict[str, DataFrame]:
    """The inputs of claim_final for all cases at once, families and remittances made by their own tables."""
    claims = [{**case.claim, "claim_id": name} for name, case in cases.items() if case.claim is not None]
    claims += [_named(name, v) for name, case in cases.items() for v in case.versions]
    lines = [row for name, case in cases.items() for row in _numbered(name, case.lines, "line_id")]
    sent = [row for name, case in cases.items() for row in _numbered(name, case.payments, "payment_id")]
    payments = [{k: v for k, v in row.items() if k not in ("adjustments", "batch")} for row in sent]
    adjusted = [
        {
            "network": row.get("network", "north"),
            "payment_id": row["payment_id"],
            "adjustment_id": str(number),
            "group_code": group,
            "reason_code": reason,
            "amount": amount,
        }
        for row in sent
        for number, (group, reason, amount) in enumerate(_adjustments(row))
    ]
    return inputs_of(
        spark,
        claims,
        lines,
        payments,
        adjusted,
        networks,
        {str(r["payment_id"]): str(r.get("batch", "b1")) for r in sent},
    )


def inputs_of(
    spark: SparkSession,
    claims: Sequence[Row],
    lines: Sequence[Row] = (),
    payments: Sequence[Row] = (),
    adjustments: Sequence[Row] = (),
    networks: Sequence[Row] = (),
    batches: Mapping[str, str] | None = None,
    spans: Sequence[Row] = (),
    providers: Sequence[Row] = (),
) -> dict[str, DataFrame]:
    """The same of rows as the feeds hold them."""
    given = rows.claims(spark, *claims)
    senders = rows.networks(spark, *networks)
    codes = rows.frame(spark, denial_code.fields)
    classed = [{"group_code": g, "reason_code": r, "is_denial": d, "category": "some"} for g, r, d in REASONS]
    reasons = rows.frame(spark, adjustment_reason.fields, *classed)
    batch = F.create_map(*[F.lit(x) for pair in (batches or {"": ""}).items() for x in pair])
    paid = rows.payments(spark, *payments)
    remitted = remittance(
        payments=paid.withColumn("_batch_id", F.coalesce(batch[F.col("payment_id")], F.lit("b1"))),
        adjustments=rows.adjustments(spark, *adjustments),
        codes=codes,
        reasons=reasons,
    )
    families = claim_family(claims=given, networks=senders).localCheckpoint()
    known = families.select("network", "claim_id")
    return {
        "families": families,
        "claims": given,
        "lines": rows.lines(spark, *lines).join(known, on=known.columns, how="left_semi"),
        "remittances": remitted.join(known, on=known.columns, how="left_semi").localCheckpoint(),
        "spans": rows.frame(spark, eligibility_span.fields, *spans),
        "providers": rows.frame(spark, provider.fields, *providers),
        "codes": codes,
        "reasons": reasons,
        "payers": rows.frame(spark, payer_mapping.fields, AETNA),
        "networks": senders,
    }


def settled(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """claim_final of the inputs, computed once."""
    return claim_final(**inputs).localCheckpoint()


def _adjustments(row: Row) -> Sequence[tuple[str, str, str]]:
    return row.get("adjustments", ())  # type: ignore[return-value]  # as documented


def _named(case: str, version: Row) -> Row:
    """A version with the case's name before its own and that of the version it replaces."""
    names = {k: version[k] for k in ("claim_id", "replaces_claim_id", "line_id") if k in version}
    return {**version, **{k: case if v == "-" else f"{case}-{v}" for k, v in names.items()}}


def _numbered(case: str, many: Sequence[Row], key: str) -> list[Row]:
    return [{"claim_id": case, key: f"{case}-{n}", **_named(case, row)} for n, row in enumerate(many)]


def of_claim(paid: str, *adjustments: tuple[str, str, str], day: str = "2026-01-20", **other: object) -> Row:
    """A remittance at claim level."""
    return {"remittance_id": f"R{day}", "remit_date": day, "paid_amount": paid, "billed_amount": "100.00",
            "adjustments": adjustments, **other}  # fmt: skip


def of_line(line: str, paid: str, *adjustments: tuple[str, str, str], day: str = "2026-01-20", **other: object) -> Row:
    """A row of a remittance, at line level."""
    return {"remittance_id": f"R{day}", "remit_date": day, "payment_level": "line", "line_id": line,
            "paid_amount": paid, "adjustments": adjustments, **other}  # fmt: skip


def own(network: str, code: str | None, paid: str, charge: str = "60.00") -> Row:
    """A line that speaks for itself."""
    return {"network": network, "billed_amount": charge, "paid_amount": paid, "denial_code": code}
