"""`lakehouse check --source`: a database's tables, read again and held against Bronze."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.commands.edge import Opened, Output, print_json

if TYPE_CHECKING:
    from lakehouse.engine.context import BuildContext
    from lakehouse.engine.source_proof import SourceProof
    from lakehouse.spec.table import Table

FORMAT = "lakehouse-source-check/1"


def check_source(opened: Opened, context: "BuildContext", output: Output) -> int:
    """Prove the selected Bronze tables that land a database; returns 1 when a row is missing.

    Raises:
        SettingsError: none of the selected tables lands a database.
        LeaseError: another run writes a network's Bronze tables now.
    """
    from lakehouse.engine.source_proof import is_provable, prove_source
    from lakehouse.errors import SettingsError

    tables = [opened.registry[name] for name in opened.names if is_provable(opened.registry[name])]
    if not tables:
        raise SettingsError(
            "check --source: none of the selected tables lands a database. Select one, e.g. --source network:meridian."
        )
    with _writer(opened, context, [t.name for t in tables]) as writer, writer.databases:
        proofs = [prove_source(writer, table, *_columns(opened, table)) for table in tables]
    if output is Output.JSON:
        print_json({"format": FORMAT, "tables": [_document(p) for p in proofs]})
    else:
        _print_text(proofs)
    return int(any(p.missing for p in proofs))


@contextmanager
def _writer(opened: Opened, context: "BuildContext", names: Sequence[str]) -> "Iterator[BuildContext]":
    """The context with the right to write beside the named Bronze tables: nothing may land while they are proved."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from lakehouse.engine.leases import lease_of, leases_of
    from lakehouse.storage.lake import Lake
    from lakehouse.storage.lease import Leases, this_process

    store, seconds = context.lake.store, opened.settings.run.lease_seconds
    run_id = context.request.run_id
    with Leases(store, this_process(), run_id, seconds, lambda: datetime.now(UTC)) as leases:
        leases.acquire(leases_of(opened.registry, names))
        lake = Lake(opened.settings.lake, lambda name: leases.token(lease_of(opened.registry, name)))
        yield replace(context, lake=lake)


def _columns(opened: Opened, table: "Table") -> tuple[list[str], str | None]:
    """Raw money columns of the feed, and the raw date that tells a row's month."""
    from lakehouse.spec.field import DATE

    assert table.feed is not None
    conforms = opened.registry.adapters[table.feed.adapter].conforms
    conform = next((c for c in conforms if c.main is table.feed), None)
    if conform is None:
        return [], None
    raws = [f.name for f in table.feed.fields]
    dates = [f.name for f in conform.contract.fields if f.type == DATE and f.required and f.name in raws]
    return sorted(conform.money), dates[0] if dates else None


def _document(proof: "SourceProof") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(proof) | {
        "greatest_lateness": proof.greatest_lateness.total_seconds(),
        "suggested_lag": proof.suggested_lag.total_seconds(),
    }


def _print_text(proofs: "list[SourceProof]") -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    rows = [
        (
            p.table,
            m.month,
            f"{m.source_rows:,}",
            f"{m.landed_rows:,}",
            "; ".join(f"{c} {m.source_sums[c] - m.landed_sums[c]:,}" for c in m.source_sums if m.source_sums[c]),
            "equal" if (m.source_rows, m.source_hash) == (m.landed_rows, m.landed_hash) else "MISSING",
        )
        for p in proofs
        for m in p.months
    ]
    columns = ("table", "month", "source rows", "in Bronze", "source - Bronze, USD", "content")
    out.print(grid(None, columns, rows, right=("source rows", "in Bronze")))
    for proof in proofs:
        if proof.missing:
            out.print(f"{proof.table}: {proof.missing:,} rows are missing; their keys stand in {proof.missing_table}")
        if proof.late_rows:
            out.print(
                f"{proof.table}: {proof.late_rows:,} rows came later than their stamp, by {proof.greatest_lateness} at "
                f"most. Were it read by its stamp alone, the lag should be {proof.suggested_lag} or more."
            )
    total = sum(m.source_rows for p in proofs for m in p.months)
    missing = sum(p.missing for p in proofs)
    out.print(f"{len(proofs)} tables, {total:,} rows of the source below the position: {missing:,} missing in Bronze")
