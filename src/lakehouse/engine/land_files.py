"""Files into the staging folder."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from lakehouse.engine.batch import Batch, Step, id_of
from lakehouse.engine.context import BuildContext
from lakehouse.engine.file_deliveries import Verdict, begun, by_path, grouped, stage_file, told_of
from lakehouse.engine.source_plan import refuse_lost_columns, stamp
from lakehouse.engine.work import TablePlan
from lakehouse.faults import fault_point
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drops import Drop
from lakehouse.storage.files import FoundFile, RawColumn, Staged, stage_parts
from lakehouse.storage.notes import Delivery

_DATE_IN_PATH = re.compile(r"(?<!\d)(20\d\d|19\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")


def delivered_at(file: FoundFile) -> datetime:
    """UTC instant a delivery counts from: the last date in its path (`claims-2026-01-05.csv`), else its modification
    time."""
    dates = _DATE_IN_PATH.findall(file.path)
    for year, month, day in reversed(dates):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
    return file.modified_at


def file_steps(context: BuildContext, plan: TablePlan, folder: str) -> Iterator[Step]:
    """The plan's files, in as few commits as their sizes allow. A file is read to its end before any of it lands."""
    table = plan.table
    assert table.network is not None
    how = context.settings.networks[table.network].files
    for group in grouped(_batches(context, plan, how, folder), how.part_rows):
        yield Step(group)


def _batches(context: BuildContext, plan: TablePlan, how: FileSettings, folder: str) -> Iterator[Batch]:
    table, settings = plan.table, context.settings
    assert table.network is not None
    assert table.feed is not None
    source = table.reads["rows"]
    assert isinstance(source, FileSource)
    drop = Drop(settings.networks[table.network].root or "", settings.lake.s3)
    columns = [RawColumn(f.name, f.aliases, f.required) for f in table.feed.fields]
    landed = by_path(context.lake.logs[table.name].deliveries())
    for number, file in enumerate(plan.files):
        place, history = f"{folder}/{number:06d}", landed.get(file.path, [])
        fault_point("mid_read")

        def stage(skip: int, first: int, file: FoundFile = file, place: str = place) -> tuple[Staged, ...]:
            return stage_parts(drop, file, source, columns, place, how, skip_records=skip, first_part=first)

        staged = stage_file(stage, history, is_asked=context.request.reload_source)
        before = begun(history)
        told = told_of(file.path, staged.verdict, before.records if before else 0)
        for part in staged.parts:
            refuse_lost_columns(settings, file.path, table, part.absent_columns, part.extra_columns, plan.state)
            repeats = staged.verdict is Verdict.REPEATED
            yield Batch(
                _delivery(context, plan, part, repeats),
                (part.rows_path,),
                part.rejected_path,
                part.filled,
                part.absent_columns,
                part.extra_columns,
                told if part is staged.parts[0] else "",
            )


def _delivery(context: BuildContext, plan: TablePlan, staged: Staged, repeats: bool) -> Delivery:
    file = staged.file
    parts = (file.path, str(file.size), staged.checksum, str(staged.part))
    return Delivery(
        path=file.path,
        size=file.size,
        modified_at=stamp(file.modified_at),
        checksum=staged.checksum,
        batch_id=id_of(plan.table.name, plan.state.sequence + 1, *parts),
        delivered_at=stamp(delivered_at(file)),
        ingest_date=context.request.logical_date.isoformat(),
        rows=staged.rows,
        rejected=staged.rejected,
        repeats=repeats,
        part=staged.part,
        is_last=staged.is_last,
    )
