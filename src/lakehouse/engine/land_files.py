"""Files into the staging folder."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time

from lakehouse.engine.batch import Batch, Step, id_of
from lakehouse.engine.context import BuildContext
from lakehouse.engine.file_deliveries import StagedFile, Verdict, begun, by_path, grouped, stage_file, told_of
from lakehouse.engine.source_plan import refuse_lost_columns, stamp
from lakehouse.engine.work import TablePlan
from lakehouse.faults import fault_point
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.file_names import date_in
from lakehouse.storage.files import RawColumn, Staged, stage_parts
from lakehouse.storage.notes import Delivery


def delivered_at(file: FoundFile) -> datetime:
    """UTC instant a delivery counts from: the last date in its path (`claims-2026-01-05.csv`), else its modification
    time."""
    day = date_in(file.path)
    return file.modified_at if day is None else datetime.combine(day, time(), UTC)


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

        found = stage_file(stage, history, is_asked=context.request.reload_source)
        first, before = found.parts[0], begun(history)
        refuse_lost_columns(settings, file.path, table, first.absent_columns, first.extra_columns, plan.state)
        told = told_of(file.path, found.verdict, before.records if before else 0)
        yield from _batches_of(context, plan, found, told)


def _batches_of(context: BuildContext, plan: TablePlan, found: StagedFile, told: str) -> Iterator[Batch]:
    """The batches of one file. A column counts as filled when it is so anywhere in the file; a repeat is one note."""
    repeats = found.verdict is Verdict.REPEATED
    filled = frozenset[str]().union(*(part.filled for part in found.parts))
    for part in found.parts[:1] if repeats else found.parts:
        counted = replace(part, rows=sum(p.rows for p in found.parts), is_last=True) if repeats else part
        yield Batch(
            _delivery(context, plan, counted, repeats),
            (part.rows_path,),
            (part.rejected_path,) if part.rejected_path else (),
            filled,
            part.absent_columns,
            part.extra_columns,
            told if part is found.parts[0] else "",
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
