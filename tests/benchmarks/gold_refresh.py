"""Gold after a day's change: only the touched months against all of them, by the same engine over the same Silver.

Settled claims with their lines, reasons and postings over 36 months are written as Silver leaves them. Each repetition
changes 0.1 % of the claims, all of the newest three months, by one merge into each table; then both lakes build Gold,
one from the change images, one with `--full-refresh`, taking turns at going first. After each, both must hold equal
rows.

    python tests/benchmarks/gold_refresh.py [--lines 1000000 10000000] [--pairs 2]
"""

import argparse
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from _measure import Taken, print_json, print_table, spread, timed
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.layout import layout_of
from lakehouse.engine.merge import laid_out
from lakehouse.engine.resolve import period_value
from lakehouse.engine.run import Run
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, Settings, SparkSettings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.field import PERIOD
from lakehouse.spec.registry import Registry
from lakehouse.storage.lake import Lake, MergeShape
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.session import start_session, stop_session

LINES_PER_CLAIM, MONTHS, NEWEST = 3, 36, 3
SHARE = 0.001
FIRST_MONTH, TODAY = "2023-01-01", date(2026, 2, 1)
TOUCHED, FULL = "touched", "full"
SILVER = ("claim_final", "line_outcome", "denial_reason", "posting", "claim_copy", "held_payment", "payment")
PAYERS = ("MEDICARE", "MEDICAID", "BCBS", "AETNA", "CIGNA", "UHC", "OTHER")

# Columns of claim `n` in its state `v`; what is not named is null. Amounts add up as silver.claim_final promises.
CLAIM = {
    "network": "if(n % 3 = 0, 'south', 'north')",
    "family_id": "concat('F', n)",
    "claim_id": "concat('F', n)",
    "version_count": "1L",
    "live_claim_count": "1L",
    "is_void_family": "n % 101 = 0",
    "payer_name": "'Aetna'",
    "owing_payer_name": "'Aetna'",
    "payer_code": f"element_at(array{PAYERS}, 1 + cast(n % {len(PAYERS)} as int))",
    "rendering_provider_id": "concat('D', n % 400)",
    "attributed_specialty": "concat('S', n % 12)",
    "service_from_date": "date_add(month, cast(n % 28 as int))",
    "service_to_date": "date_add(month, cast(n % 28 as int))",
    "service_month": "month",
    "submitted_date": "date_add(month, 30)",
    "submission_month": "trunc(date_add(month, 30), 'month')",
    "first_adjudicated_date": "date_add(month, 45)",
    "adjudication_month": "trunc(date_add(month, 45), 'month')",
    "first_paid_date": "if(n % 9 = 0, null, date_add(month, 45))",
    "is_adjudicated": "true",
    "final_status": "'paid'",
    "initial_denial_outcome": "if(n % 9 = 0, 'full', 'clean')",
    "initially_denied_date": "if(n % 9 = 0, date_add(month, 45), null)",
    "initially_denied_amount": "if(n % 9 = 0, billed, 0)",
    "initially_paid_amount": "0",
    "final_denial_outcome": "if(n % 9 = 0, 'full', 'clean')",
    "denial_final_on": "date_add(month, 165)",
    "closes_on": "date_add(month, 165)",
    "line_count": f"{LINES_PER_CLAIM}L",
    "billed_amount": "billed",
    "allowed_amount": "billed",
    "paid_amount": "if(n % 9 = 0, 0, billed - 10 - v)",
    "patient_responsibility_amount": "if(n % 9 = 0, 0, 10)",
    "patient_paid_amount": "0",
    "contractual_amount": "0",
    "denied_amount": "if(n % 9 = 0, billed, 0)",
    "other_adjustment_amount": "0",
    "encounter_amount": "0",
    "remainder_amount": "if(n % 9 = 0, 0, v)",
    "elig_status": "'covered'",
}
VOIDED = {
    "billed_amount": "0", "allowed_amount": "0", "patient_responsibility_amount": "0", "denied_amount": "0",
    "paid_amount": "5", "remainder_amount": "-5",
}  # fmt: skip
LINE = {
    "line_id": "cast(line as string)",
    "procedure_code_system": "'cpt'",
    "procedure_code": "concat('99', 200 + (n + line) % 150)",
    "billed_amount": "cast(billed / 3 as decimal(14,2))",
    "is_initial": "true",
    "initial_outcome": CLAIM["initial_denial_outcome"],
    "initially_denied_amount": "if(n % 9 = 0, cast(billed / 3 as decimal(14,2)), 0)",
    "is_final": "true",
    "final_outcome": CLAIM["final_denial_outcome"],
    "final_denied_amount": "if(n % 9 = 0, cast(billed / 3 as decimal(14,2)), 0)",
}
REASON = {
    "group_code": "'CO'", "carc": "element_at(array('29', '50', '97'), 1 + cast(n % 3 as int))",
    "category": "'OTHER'", "is_preventable": "true", "initially_denied_month": CLAIM["adjudication_month"],
    "line_count": "0L", "denied_amount": "billed", "still_denied_amount": "billed",
}  # fmt: skip
POSTING = {
    "remittance_id": "concat('R', n)", "remit_date": "date_add(month, 45)",
    "remit_month": CLAIM["adjudication_month"], "is_reversal": "false",
    "paid_amount": CLAIM["paid_amount"], "posting_payer_code": CLAIM["payer_code"],
}  # fmt: skip
MODIFIED = {"modified_at": "timestamp'2026-01-01' + make_interval(0, 0, 0, v)"}


class Side:
    """A lake whose Gold is built in one way."""

    def __init__(self, spark: SparkSession, root: Path, way: str, claims: int) -> None:
        self.spark, self.way, self.claims, self.state = spark, way, claims, 0
        networks = {name: NetworkSettings(adapter="standard", root=str(root)) for name in ("north", "south")}
        self.settings = Settings(env="benchmark", lake=LakeSettings(root=str(root / way)), networks=networks)
        self.registry = Registry.discover(networks)
        self.lake = Lake(self.settings.lake)
        self.gold = [t for t in self.registry.tables.values() if t.layer == "gold"]
        self._write(spark.range(claims), is_first=True)
        self.build()

    def change(self, repetition: int) -> None:
        """Other money on a share of the newest claims."""
        newest = self.claims * NEWEST // MONTHS
        step = max(1, int(newest / (self.claims * SHARE)))
        ids = self.spark.range(self.claims - newest + repetition % step, self.claims, step)
        self.state = repetition
        self._write(ids, is_first=False)

    def _write(self, ids: DataFrame, *, is_first: bool) -> None:
        per_month = -(-self.claims // MONTHS)
        claims = ids.selectExpr(
            "id AS n",
            f"add_months(DATE'{FIRST_MONTH}', cast(id div {per_month} as int)) AS month",
            "cast(30 + id % 500 as decimal(14,2)) AS billed",
            f"{self.state} AS v",
        )
        lines = claims.withColumn("line", F.explode(F.sequence(F.lit(1), F.lit(LINES_PER_CLAIM))))
        voids = {c: f"if(n % 101 = 0, {of_void}, {CLAIM[c]})" for c, of_void in VOIDED.items()}
        counted, denied = claims.where("n % 101 <> 0"), claims.where("n % 101 <> 0 AND n % 9 = 0")
        sources: Mapping[str, tuple[DataFrame, Mapping[str, str]]] = {
            "claim_final": (claims, {**CLAIM, **voids}),
            "line_outcome": (lines.where("n % 101 <> 0"), {**CLAIM, **LINE}),
            "denial_reason": (denied, {**CLAIM, **REASON}),
            "posting": (counted, {**CLAIM, **POSTING}),
        }
        for short in SILVER:
            table = self.registry[f"silver.{short}"]
            layout = layout_of(table, self.settings.lake)
            if is_first:
                self.lake.ensure(self.spark, layout)
            if short not in sources:
                continue
            frame, exprs = sources[short]
            known = {**exprs, **MODIFIED}
            made = frame.select(*[F.expr(known.get(f.name, "null")).cast(f.type).alias(f.name) for f in table.fields])
            if layout.period:
                made = made.withColumn(PERIOD.name, period_value(table.partition_by, layout.period))
            rows = made.select(*[F.col(f.name) if f.name in made.columns else F.lit(None).cast(f.type).alias(f.name)
                                 for f in layout.fields])  # fmt: skip
            kind = "append" if is_first else "merge"
            note = CommitNote(f"hand-{self.state}", kind, TableState(sequence=self.state + 1))
            if is_first:
                self.lake.append(self.spark, table.name, laid_out(rows, layout, table.partition_by), note)
            else:
                periods = (
                    tuple(sorted(r[0] for r in rows.select(PERIOD.name).distinct().collect())) if layout.period else ()
                )
                changes = rows.withColumn("_is_removal", F.lit(False))
                self.lake.merge(
                    self.spark, table.name, changes, MergeShape(table.keys, layout.partition_by, periods), note
                )

    def build(self, *, full: bool = False) -> Mapping[str, float]:
        """Build Gold; table -> seconds of its build."""
        request = Request(f"run-{self.state}-{full}", TODAY, datetime(2026, 2, 1, tzinfo=UTC), full_refresh=full)
        settings = self.settings.model_copy(update={"run": self.settings.run.model_copy(update={"parallel_builds": 1})})
        names = ["reference.payer_mapping", *[t.name for t in self.gold]]
        with Run(settings, self.registry, request, lambda: self.spark) as run:
            report = run.execute(names)
        if report.exit_code:
            raise SystemExit(f"{[o.error for o in report.failed]}")
        return {o.table: o.seconds for o in report.outcomes if o.result and o.table.startswith("gold.")}

    def sums(self, name: str) -> object:
        """Rows and a hash over all business columns."""
        table = self.registry[name]
        rows = self.lake.read(self.spark, name).select(*table.field_names)
        return rows.select(F.count("*"), F.sum(F.xxhash64(*table.field_names).cast("decimal(38,0)"))).first()


Seconds = dict[str, dict[str, list[float]]]
"""Table -> way -> seconds of its builds."""


class Comparison:
    """Two lakes with the same Silver, whose Gold is built in two ways."""

    def __init__(self, spark: SparkSession, root: Path, lines: int) -> None:
        self.sides = {way: Side(spark, root, way, lines // LINES_PER_CLAIM) for way in (TOUCHED, FULL)}
        self.jvm = int(spark._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]
        self.taken: dict[str, list[Taken]] = {TOUCHED: [], FULL: []}
        self.tables: Seconds = {}

    def repeat(self, number: int) -> None:
        """Change both, build both, and see that they are equal."""
        for way in (TOUCHED, FULL) if number % 2 else (FULL, TOUCHED):
            self.sides[way].change(number)
            self.taken[way].append(timed(lambda w=way: self._build(w), self.jvm))  # type: ignore[misc]
        for table in self.sides[TOUCHED].gold:
            if self.sides[TOUCHED].sums(table.name) != self.sides[FULL].sums(table.name):
                raise SystemExit(f"{table.name} differs: what was measured is not the same work")

    def _build(self, way: str) -> None:
        for name, spent in self.sides[way].build(full=way == FULL).items():
            self.tables.setdefault(name, {TOUCHED: [], FULL: []})[way].append(spent)


def report(found: Comparison, lines: int, pairs: int) -> None:
    """A line per table, then all of them together."""
    rows: list[list[object]] = []
    both = {**found.tables, "all": {way: [t.wall for t in found.taken[way]] for way in (TOUCHED, FULL)}}
    for name, spent in both.items():
        ratios = [full / touched for touched, full in zip(spent[TOUCHED], spent[FULL], strict=True)]
        rows.append([name, spread(spent[TOUCHED]), spread(spent[FULL]), spread(ratios)])
    print_table((f"{lines:,} lines", "touched s", "full s", "full / touched"), rows)
    print_json("gold_refresh", lines=lines, pairs=pairs, seconds=both)


def main() -> None:
    """Read the options, run, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 10_000_000], help="claim lines")
    options.add_argument("--pairs", type=int, default=2, help="measured repetitions")
    chosen = options.parse_args()
    spark = start_session(SparkSettings(master="local[2]", driver_memory="4g", class_archive=True), "gold refresh")
    try:
        for lines in chosen.lines:
            with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
                found = Comparison(spark, Path(folder), lines)
                for number in range(1, chosen.pairs + 1):
                    found.repeat(number)
                report(found, lines, chosen.pairs)
    finally:
        stop_session()


if __name__ == "__main__":
    main()
