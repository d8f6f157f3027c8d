"""No value of a field with a PHI class is anywhere but where it may be.

Every such column of every feed holds a marker of its own; rows are broken in all the ways that rows are; the real
command line lands, merges, sets aside, publishes, fails and reports. Then every byte that came out is searched.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from independent_reader import delta_reader
from lakehouse.spec.contracts import CLAIM_LINES, CONTRACTS, Contract
from lakehouse.spec.field import BIRTH_DATE, DIRECT, GEOGRAPHY, MEMBER, Field
from slow.children import COMMAND, Place, child_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

DAY = "2026-01-05"
NEVER_IN_SILVER = (DIRECT, MEMBER, BIRTH_DATE, GEOGRAPHY)
BIRTH = "1931-07-13"
PUBLISHES_CODES = "gold.denial_rate_by_procedure"
PLAIN = {
    "claim_type": "professional", "payer_name": "Aetna", "service_from_date": "2025-12-01", "money_level": "line",
    "billed_amount": "100.00", "procedure_code_system": "cpt", "payment_kind": "payer", "payment_level": "claim",
    "remit_date": "2025-12-20", "paid_amount": "60.00", "group_code": "CO", "reason_code": "45", "amount": "40.00",
    "provider_id": "D1", "location_id": "MAIN", "plan_name": "Gold", "coverage_type": "medical",
    "coverage_start_date": "2025-01-01", "denial_code": "45", "modified_at": "2026-01-04T08:00:00Z",
}  # fmt: skip
# Columns that a broken row differs in; the marker of the case stands in each place that some message might quote.
BROKEN: tuple[Mapping[str, str], ...] = (
    {"modified_at": "{marker}"},
    {"service_from_date": "{marker}", "coverage_start_date": "{marker}", "remit_date": "{marker}"},
    {"billed_amount": "{marker}", "paid_amount": "{marker}", "amount": "{marker}"},
    {"claim_id": "", "payment_id": "", "member_id": "", "remittance_id": ""},
    {"service_from_date": "2999-01-01"},
)


def marker(contract: Contract, field: Field, row: str) -> str:
    """A text that is nowhere else; ids that link feeds are the same in all of them."""
    if field.phi is BIRTH_DATE:
        return BIRTH
    feed = "" if field.name.endswith("_id") else contract.name
    return f"MRK{feed}{field.name}{row}".replace("_", "").upper()


def row_of(contract: Contract, row: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Every column with a PHI class holds its marker, the others what is usual."""
    made = {}
    for field in contract.all_fields:
        if field.name == "network":
            continue
        said = marker(contract, field, row) if field.phi is not None else PLAIN.get(field.name, "")
        made[field.name] = changes.get(field.name, said).format(marker=f"MRKBROKEN{row}")
    return made


def deliver(drop: Path) -> None:
    """One file per feed: sound rows, broken rows, a column nobody declared, a line that is no row."""
    for contract in CONTRACTS:
        rows = [row_of(contract, f"S{n}", {}) for n in range(3)]
        rows += [row_of(contract, f"B{n}", changes) for n, changes in enumerate(BROKEN)]
        columns = [*rows[0], "extra_column"]
        lines = [",".join(columns)]
        lines += [",".join([*row.values(), "MRKEXTRA"]) for row in rows]
        lines += ["MRKTOOFEWCOLUMNS,MRKTOOFEWCOLUMNS2", 'MRKQUOTE,"MRKUNCLOSED']
        path = drop / contract.name / f"{contract.name}-{DAY}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("\n".join(lines).encode() + b"\nMRKLATIN\xff\xfe,x\n")


def call(place: Place, *arguments: str) -> tuple[int, bytes]:
    """Exit code, and all that was printed, logs among it."""
    done = subprocess.run(
        [*COMMAND, "--config", str(place.config()), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=child_environment(),
        cwd=place.folder,
        check=False,
    )
    return done.returncode, done.stdout


def found(place_of: str, content: bytes, wanted: Iterable[str]) -> list[str]:
    """Where markers stand, without saying more than their names."""
    text = content.upper()
    return sorted({f"{m} in {place_of}" for m in wanted if m.encode() in text})


def every_row(folder: Path) -> bytes:
    """The rows of a table as a reader sees them, with their statistics left out."""
    read = delta_reader().sql(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM delta_scan('{folder}')")  # instants as text
    return json.dumps([dict(zip(read.columns, row, strict=True)) for row in read.fetchall()]).encode()


def without_published(table: str, content: bytes) -> bytes:
    """The rows of a table without the one thing that it is there to publish: denial rates by procedure code."""
    (code_field,) = CLAIM_LINES.pick("procedure_code")
    shown = [marker(CLAIM_LINES, code_field, row) for row in ("S0", "S1", "S2", "B0", "B4")]
    for code in shown if table == PUBLISHES_CODES else ():
        content = content.replace(code.encode(), b"")
    return content


def tables_of(lake: Path) -> dict[str, Path]:
    """Name -> folder of every table."""
    return {p.parent.parent.name + "." + p.parent.name: p.parent for p in lake.glob("*/*/_delta_log")}


def search(lake: Path, markers: Iterable[str]) -> tuple[list[str], int]:
    """Markers that stand in the lake where they may not, and how many bytes were searched.

    Bronze and quarantines hold rows as sent; Silver holds identifiers, which name nobody, but no name, member number,
    date of birth or address; logs and everything behind Silver hold none.
    """
    leaks: list[str] = []
    scanned = 0
    never = {
        marker(c, f, r) for c in CONTRACTS for f in c.all_fields if f.phi in NEVER_IN_SILVER for r in ("S0", "S1", "S2")
    }
    for name, folder in tables_of(lake).items():
        layer = name.split(".")[0]
        searched: list[tuple[str, bytes, Iterable[str]]] = []
        if layer != "bronze":
            logs = [file for file in (folder / "_delta_log").glob("*") if file.is_file()]
            searched += [(f"{name}/_delta_log", file.read_bytes(), markers) for file in logs]
        if layer in ("gold", "ops", "reference"):
            searched.append((name, without_published(name, every_row(folder)), markers))
        if layer == "silver" and not name.endswith("__quarantine"):
            searched.append((name, every_row(folder), never))
        for place, content, wanted in searched:
            scanned += len(content)
            leaks += found(place, content, wanted)
    return leaks, scanned


def test_no_marker_leaves_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drop = tmp_path / "drop"
    deliver(drop)
    share = "[networks.harbor.checks]\nmost_quarantined_share = 1.0\n"
    place = Place(tmp_path / "place", f'[networks.harbor]\nadapter = "standard"\nroot = "{drop}"\n{share}')
    printed: list[tuple[str, bytes]] = []
    for arguments in (
        ("plan",), ("run",), ("status",), ("quarantine", "list"), ("quarantine", "show", "silver.claim"), ("codes",),
        ("quarantine", "retry", "silver.claim"), ("audit", "duplicates", "silver.claim"), ("check", "--full"),
        ("lineage", "gold.revenue_by_payer"),
    ):  # fmt: skip
        printed.append((" ".join(arguments), call(place, *arguments)[1]))
    (drop / "claims" / "claims-2026-01-06.csv").write_text("claim_id,member_id\nMRKLATE,MRKLATE\n")  # a column is gone
    code, said = call(place, "run")
    assert code != 0, said.decode()[-2000:]
    printed.append(("failed run", said))
    assert b"service_from_date" in said  # it fails and says why
    texts = {marker(c, f, r) for c in CONTRACTS for f in c.all_fields if f.phi for r in ("S0", "S1", "S2", "B0", "B4")}
    markers = {*texts, "MRK"}
    lake = place.folder / "lake"
    tables = tables_of(lake)
    built = {"gold.revenue_by_payer", "ops.check_result", "ops.run", "silver.claim_final", "silver.member"}
    assert built <= set(tables)
    leaks, scanned = search(lake, markers)
    for name, output in printed:
        scanned += len(output)
        leaks += found(f"output of {name}", output, markers)
    assert leaks == []
    claims = json.loads(every_row(tables["silver.claim"]))
    assert sum(re.match("MRK", str(r["claim_id"])) is not None for r in claims) >= 3  # the rows did pass through
    assert scanned > 100_000
    with capsys.disabled():
        sys.stdout.write(f"{scanned:,} bytes searched for {len(texts)} markers: {len(tables)} tables, ")
        sys.stdout.write(f"{len(printed)} outputs\n")
