"""`lakehouse codes`: adjustment codes and payer names that wait for a steward's decision, and where it is written."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from lakehouse.commands.edge import ConfigOption, EnvOption, Opened, Output, OutputOption, open_lake, print_json

if TYPE_CHECKING:
    from decimal import Decimal

    from lakehouse.storage.small_reads import UnknownCode, UnmappedPayer

FORMAT = "lakehouse-codes/1"
CODES, CLAIMS = "silver.adjustment_code", "silver.claim_final"
REASONS_FILE = "src/lakehouse/reference/adjustment_reason.csv"
PAYERS_FILE = "src/lakehouse/reference/payer_mapping.csv"


def codes(
    context: typer.Context,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """List adjustment codes nobody classified and payer names nobody mapped, and what to extend. Starts no Spark."""
    from lakehouse.storage.small_reads import unknown_codes, unmapped_payers

    opened = open_lake(context, env, config)
    logs = opened.logs()
    absent = [name for name in (CODES, CLAIMS) if not logs[name].exists]
    unknown = [] if CODES in absent else unknown_codes(logs.store, CODES)
    unmapped = [] if CLAIMS in absent else unmapped_payers(logs.store, CLAIMS)
    if output is Output.JSON:
        listed = [{**asdict(code), "extend": place_of_code(opened, code)} for code in unknown]
        payers = [{**asdict(payer), "extend": PAYERS_FILE} for payer in unmapped]
        print_json({"format": FORMAT, "not_built": absent, "codes": listed, "payers": payers})
    else:
        _print_absent(absent)
        if CODES not in absent:
            _print_codes(opened, unknown)
        if CLAIMS not in absent:
            _print_payers(unmapped)
    return 0


def place_of_code(opened: Opened, code: "UnknownCode") -> str:
    """Where a decision on the code is written: an X12 reason in the reference, a sender's own word in its feed."""
    if code.carc is not None:
        return REASONS_FILE
    feed = f"bronze.{code.network}_denial_codes"
    return f"feed denial_codes of {code.network}" if feed in opened.registry.tables else f"adapter of {code.network}"


def _print_codes(opened: Opened, unknown: "Sequence[UnknownCode]") -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    if not unknown:
        out.print("every adjustment code in use is classified")
        return
    lines = [
        (c.network, c.group_code, c.reason_code, f"{c.adjustment_count:,}", _money(c.amount), place_of_code(opened, c))
        for c in unknown
    ]
    columns = ("network", "group", "reason", "adjustments", "amount", "extend")
    out.print(grid("codes that nobody classified", columns, lines, right=("adjustments", "amount")))
    out.print(
        f"an X12 reason gets a row in {REASONS_FILE}; a sender's own code gets a row in its feed denial_codes, with "
        "carc, or is_denial and category"
    )


def _print_payers(unmapped: "Sequence[UnmappedPayer]") -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    if not unmapped:
        out.print("every payer name is mapped")
        return
    lines = [(p.network, p.payer_name or "-", f"{p.claim_count:,}", _money(p.billed_amount)) for p in unmapped]
    columns = ("network", "payer name", "claims", "billed")
    out.print(grid("payer names that nobody mapped", columns, lines, right=("claims", "billed")))
    out.print(f"their claims count as OTHER; each name gets a row in {PAYERS_FILE}")


def _print_absent(absent: Sequence[str]) -> None:
    from lakehouse.commands.screen import console

    for name in absent:
        console().print(f"{name} is not built yet: lakehouse run -s +{name}")


def _money(amount: "Decimal | None") -> str:
    from lakehouse.commands.screen import money

    return "-" if amount is None else money(amount)
