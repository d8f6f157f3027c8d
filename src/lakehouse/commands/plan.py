"""`lakehouse plan`: what is due, and why."""

from typing import TYPE_CHECKING

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    LogicalDateOption,
    Opened,
    Output,
    OutputOption,
    SelectOption,
    make_request,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.engine.work import Request, TablePlan

FORMAT = "lakehouse-plan/1"


def plan(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    logical_date: LogicalDateOption = None,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show what is due, and why. Reads logs and lists sources; starts no Spark.

    Exit code 1 when a table cannot be planned.
    """
    opened = open_lake(context, env, config, select, exclude)
    return show_plan(opened, make_request(logical_date), output)


def show_plan(opened: Opened, request: "Request", output: Output) -> int:
    """Print the plan of the selected tables; returns 1 when one cannot be planned, else 0."""
    from lakehouse.engine.plan import Planner
    from lakehouse.engine.work import Status

    with Planner(opened.registry, opened.logs(), opened.settings, request) as planner:
        planned = planner.plan(opened.names)
    if output is Output.JSON:
        print_json(plan_document(opened, request, planned))
    else:
        _print_text(planned)
    return int(any(p.status is Status.FAILED for p in planned))


def plan_document(opened: Opened, request: "Request", planned: "list[TablePlan]") -> dict[str, object]:
    """The plan as JSON, format `lakehouse-plan/1`."""
    return {
        "format": FORMAT,
        "env": opened.settings.env,
        "logical_date": request.logical_date,
        "tables": [
            {
                "table": p.table.name,
                "status": str(p.status),
                "reasons": list(p.reasons),
                "notes": list(p.notes),
                "files": len(p.files),
                "windows": len(p.windows),
                "everything": p.everything,
            }
            for p in planned
        ],
    }


def _print_text(planned: "list[TablePlan]") -> None:
    from lakehouse.commands.screen import console, grid

    rows = [(p.table.name, str(p.status), "; ".join((*p.reasons, *p.notes))) for p in planned]
    out = console()
    out.print(grid(None, ("table", "status", "why"), rows))
    counts = {s: sum(p.status == s for p in planned) for s in dict.fromkeys(p.status for p in planned)}
    out.print(", ".join(f"{count} {status}" for status, count in counts.items()))
