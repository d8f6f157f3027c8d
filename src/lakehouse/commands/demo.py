"""`lakehouse demo`: a lake from two made-up networks, and the answers in it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import ConfigOption, EnvOption, SparkOnDemand, is_terminal, make_request, open_lake
from lakehouse.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from lakehouse.demo.walkthrough import Walkthrough
    from lakehouse.engine.run import RunReport
    from lakehouse.engine.work import Request
    from lakehouse.settings import Settings
    from lakehouse.storage.store import Store

SHOWN = {
    "claims": "claim_count",
    "billed": "billed_amount",
    "allowed": "allowed_amount",
    "paid": "paid_amount",
    "patient": "patient_responsibility_amount",
    "contractual": "contractual_amount",
    "denied": "denied_amount",
    "encounter": "encounter_amount",
    "outstanding": "outstanding_amount",
    "residual": "residual_amount",
    "credit": "credit_amount",
}

OUTCOMES = {
    "final_status": "claim",
    "initial_denial_outcome": "first answer of the payer",
    "elig_status": "member when served",
    "version_state": "version of a claim",
    "remittance": "remittance",
}


def demo(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, help="Daily deliveries.")] = 3,
    claims_per_day: Annotated[int, typer.Option(min=1, help="Claims that start each day in files.")] = 400,
    seed: Annotated[int, typer.Option(help="Another seed invents other networks.")] = 7,
    lake: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to build it; default: the environment's lake.")
    ] = None,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Build a lake from two made-up networks, day by day, and compare it with the known answers.

    One network sends files; the other is a claims database that is written while it is read. A previous demo's lake is
    removed; any other folder is left alone.
    """
    from lakehouse.demo.harbor import DemoSpec
    from lakehouse.demo.meridian import odbc_problem
    from lakehouse.demo.walkthrough import demo_settings, fresh_lake
    from lakehouse.storage.store import Store

    opened = open_lake(context, env, config)
    if lake is None and opened.settings.lake.is_s3:
        raise SettingsError("the demo builds its lake in a folder; give one with --lake, or use --env local.")
    spec = DemoSpec(seed=seed, claims_per_day=claims_per_day, days=days)
    problem = odbc_problem(opened.settings)
    settings = demo_settings(opened.settings, lake or Path(opened.settings.lake.root), database=problem is None)
    fresh_lake(settings)
    if problem is not None:
        _tell_left_out(problem)
    done = _walk(settings, spec)
    if done.reports[-1].failed:
        return _tell_failure(done.reports[-1])
    _print_answers(done, Store(settings.lake.root, settings.lake.s3))
    _print_next(settings, moved=lake is not None or config is not None or env is not None)
    return int(bool(done.differences))


def _walk(settings: "Settings", spec: object) -> "Walkthrough":
    from lakehouse.commands.progress import LiveLine
    from lakehouse.commands.screen import console
    from lakehouse.demo.harbor import DemoSpec
    from lakehouse.demo.walkthrough import walk

    assert isinstance(spec, DemoSpec)
    out = console()
    spark = SparkOnDemand(settings, "lakehouse demo")

    def on_day(report: "RunReport") -> None:
        out.print(_day_line(report))

    if not is_terminal():
        return walk(settings, spec, spark, _request_of, on_day)
    with LiveLine("starting Spark", quiet=True) as live:
        return walk(settings, spec, spark, _request_of, on_day, live)


def _request_of(day: date) -> "Request":
    return make_request(datetime.combine(day, time(), UTC))


def _day_line(report: "RunReport") -> str:
    counts = [o.result.counts for o in report.outcomes if o.result]
    deliveries = sum(c.get("deliveries", 0) for c in counts)
    rows = sum(c["rows"] for c in counts if "deliveries" in c)
    built = sum(o.result is not None for o in report.outcomes)
    return (
        f"{report.request.logical_date}: {deliveries} deliveries with {rows:,} rows landed, {built} tables built "
        f"in {report.seconds:.0f} s"
    )


def _tell_left_out(problem: str) -> None:
    from lakehouse.commands.screen import console

    out = console()
    out.print("Left out: the claims database (network meridian). To see it, install the ODBC driver SQLite3")
    out.print("(Debian packages unixodbc and libsqliteodbc); the attempt to use it ended so:")
    out.print(f"  {problem}")


def _tell_failure(report: "RunReport") -> int:
    from lakehouse.commands.screen import console
    from lakehouse.commands.summary import summary_lines

    for line in summary_lines(report, None):
        console().print(line)
    return report.exit_code


def _print_answers(done: "Walkthrough", store: "Store") -> None:
    from lakehouse.commands.demo_answers import answer_tables
    from lakehouse.commands.screen import console, grid

    out = console()
    out.print(_revenue_table(done))
    for table in answer_tables(store):
        out.print(table)
    out.print(_outcome_table(done))
    aside = [(table, rule, f"{rows:,}") for (table, rule), rows in sorted(done.quarantined.items())]
    out.print(grid("Set aside, and why", ("table", "rule", "rows"), aside, right=("rows",)))
    out.print(_balance_table(done.reports))
    if done.database is not None:
        told = [(what, f"{times:,}") for what, times in done.database.happened.items()]
        out.print(grid("What went on in the claims database of meridian", ("", "times"), told, right=("times",)))
    if done.differences:
        out.print("The lake does NOT agree with the answer key:")
        for difference in done.differences:
            out.print(f"  {difference}")
    else:
        out.print(
            "The lake agrees with the answer key: revenue to the cent, live and deleted rows, rows set aside and why,"
        )
        out.print("what became of every claim, who was covered when, and which roster row of a provider holds when.")


def _revenue_table(done: "Walkthrough") -> "Table":
    from lakehouse.commands.screen import grid, money
    from lakehouse.demo.walkthrough import by_payer

    totals = by_payer(done.revenue)
    columns = list(SHOWN.values())
    sums = {c: sum((t[c] for t in totals.values()), start=totals[next(iter(totals))][c] * 0) for c in columns}
    rows = [
        (payer, *(f"{t[c]:,.0f}" if c == "claim_count" else money(t[c]) for c in columns))
        for payer, t in [*totals.items(), ("all payers", sums)]
    ]
    table = grid("Revenue by payer, all months, US dollars", ("payer", *SHOWN), rows, right=list(SHOWN))
    table.rows[-2].end_section = True
    return table


def _outcome_table(done: "Walkthrough") -> "Table":
    """How many claims ended how, network beside network; spans and roster rows are too many to show."""
    from lakehouse.commands.screen import grid

    networks = sorted({network for _, network, _ in done.tallies})
    shown = sorted({(OUTCOMES[what], value) for what, _, value in done.tallies if what in OUTCOMES})
    names = {words: what for what, words in OUTCOMES.items()}
    rows = [
        (words, value.replace("_", " "), *(f"{done.tallies.get((names[words], n, value), 0):,}" for n in networks))
        for words, value in shown
    ]
    return grid("What became of the claims", ("", "is", *networks), rows, right=networks)


def _balance_table(reports: "Sequence[RunReport]") -> "Table":
    """Every ledger of every build of the demo, in against out."""
    from lakehouse.commands.screen import amount, grid
    from lakehouse.engine.audit import sums

    lines = [line for report in reports for o in report.outcomes if o.result for line in o.result.ledger]
    rows = [
        (table, ledger, measure, amount(taken), amount(given), "in = out" if taken == given else "DIFFERENT")
        for (table, ledger, measure), (taken, given) in sums(lines).items()
    ]
    columns = ("table", "ledger", "measure", "in", "out", "")
    return grid("What went in came out: rows and US dollars of all builds", columns, rows, right=("in", "out"))


def _print_next(settings: "Settings", *, moved: bool) -> None:
    from lakehouse.commands.screen import console
    from lakehouse.demo.walkthrough import MARKER

    root = Path(settings.lake.root)
    call = f"lakehouse --config {root / MARKER}" if moved else "lakehouse"
    out = console()
    out.print(f"\nThe lake is in {root}. Next:")
    out.print(f"  {call} status")
    out.print(f"  {call} lineage --impact bronze.harbor_claims")
    out.print(f"  {call} quarantine show silver.claim")
