"""What `@table` refuses at import, and what a declared table answers."""

from collections.abc import Mapping
from datetime import date

import pytest
from pyspark.sql import DataFrame

from lakehouse.errors import DeclarationError
from lakehouse.spec import table as table_module
from lakehouse.spec.expectations import DROP, FAIL, QUARANTINE, WARN, CheckContext, Consequence, batch, not_null
from lakehouse.spec.field import ACCOUNT, DATE, LONG, MEMBER, MONEY, STRING, Field, field
from lakehouse.spec.scopes import (
    Append,
    Merge,
    ReadScope,
    ReplaceGroups,
    ReplacePartitions,
    WriteMode,
    changes,
    conformed,
    groups,
    logical_date,
    period_of,
    snapshot,
)
from lakehouse.spec.table import Table, table
from spec.declared import VISITS, counted, fresh, merged, paper_feed

ID, DAY, PAID = (
    field("visit_id", STRING, "visit"),
    field("visit_date", DATE, "day"),
    field("paid_amount", MONEY, "paid"),
)
WHOLE = ReplacePartitions(keys=("visit_id",))
ROWS: Mapping[str, ReadScope] = {"rows": changes(conformed(VISITS))}


def declared(
    *,
    reads: Mapping[str, ReadScope] | None = None,
    fields: tuple[Field, ...] = (ID, DAY, PAID),
    write: WriteMode = WHOLE,
    **words: object,
) -> Table:
    """A table whose transform takes `rows`."""

    def rows_as_they_are(rows: DataFrame) -> DataFrame:
        """One row per visit."""
        return rows

    scopes = reads if reads is not None else {"rows": snapshot(merged(fresh()))}
    return table(fresh(), reads=scopes, fields=fields, write=write, **words)(rows_as_they_are)  # type: ignore[arg-type]  # keywords under test


@pytest.mark.parametrize(
    "name", ["claims", "lake.claims", "silver.", "silver.a.b", "silver.Claims", "silver.my-claims"]
)
def test_name_must_be_a_layer_and_a_lower_case_word(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"the name must be <layer>\.<table> in lower case") as refusal:
        merged(name)
    assert str(refusal.value).startswith(f"{name}: ")


def test_name_of_another_module_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    name = fresh()
    monkeypatch.setitem(table_module._DECLARED, name, "lakehouse.silver.elsewhere")
    with pytest.raises(DeclarationError, match=r"the name is taken by lakehouse\.silver\.elsewhere; choose another"):
        merged(name)


def test_refused_table_takes_no_name() -> None:
    name = fresh()
    with pytest.raises(DeclarationError):

        @table(name, reads={}, fields=[ID], write=WHOLE)
        def without_docstring() -> DataFrame:
            raise AssertionError("declarations run nothing")

    assert name not in table_module._DECLARED


def test_parameters_must_equal_reads() -> None:
    with pytest.raises(DeclarationError, match=r"parameters \['rows'\] differ from reads \['rows', 'as_of'\]"):
        declared(reads={"rows": snapshot(merged(fresh())), "as_of": logical_date()})


@pytest.mark.parametrize("text", [None, "   "])
def test_docstring_is_the_description_and_must_be_there(text: str | None) -> None:
    def rows_as_they_are(rows: DataFrame) -> DataFrame:
        return rows

    rows_as_they_are.__doc__ = text
    with pytest.raises(DeclarationError, match="the docstring is missing"):
        table(fresh(), reads={"rows": snapshot(merged(fresh()))}, fields=[ID], write=WHOLE)(rows_as_they_are)


def test_field_named_twice_is_refused() -> None:
    with pytest.raises(DeclarationError, match="field visit_id is declared twice"):
        declared(fields=(ID, DAY, ID))


@pytest.mark.parametrize(
    ("write", "role"),
    [
        (ReplacePartitions(keys=("ward",)), "key"),
        (ReplacePartitions(on="ward", keys=("visit_id",)), "partition"),
        (ReplaceGroups(by=("ward",), keys=("visit_id",)), "group"),
        (Merge(keys=("ward",)), "key"),
        (Merge(keys=("visit_id",), sequence_by=("ward",)), "sequence_by"),
        (Merge(keys=("visit_id",), apply_as_deletes="ward"), "apply_as_deletes"),
    ],
)
def test_column_of_a_write_mode_that_is_no_field_is_named_with_its_role(write: WriteMode, role: str) -> None:
    with pytest.raises(DeclarationError, match=f"{role} ward is not a field; declare it or correct the name"):
        declared(reads=ROWS, write=write)


@pytest.mark.parametrize("partition", ["ward", period_of("ward")])
def test_partition_column_must_be_a_field(partition: object) -> None:
    with pytest.raises(DeclarationError, match="partition_by ward is not a field"):
        declared(partition_by=partition)


@pytest.mark.parametrize("write", [ReplacePartitions(), Merge(keys=())])
def test_row_without_a_key_is_refused(write: WriteMode) -> None:
    with pytest.raises(DeclarationError, match="the write mode names no keys"):
        declared(reads=ROWS, write=write)


def test_only_the_newest_state_can_be_merged() -> None:
    with pytest.raises(DeclarationError, match="scd_type must be 1; history by source dates is a table of its own"):
        declared(reads=ROWS, fields=VISITS.silver_fields(), write=Merge(keys=VISITS.keys, scd_type=2))


def test_expectation_named_twice_is_refused() -> None:
    rule = not_null("visit_id", on_failure=WARN)
    with pytest.raises(DeclarationError, match="expectation visit_id_not_null is declared twice"):
        declared(expectations=[rule, not_null("visit_id", on_failure=WARN)])


def no_rows(rows: DataFrame, context: CheckContext) -> DataFrame:
    return rows.limit(0)


def test_only_a_table_of_partitions_can_show_a_rule_the_whole_of_it() -> None:
    rule = batch("no_rows", no_rows, on_failure=WARN, sees_whole=True)
    assert declared(expectations=[rule]).expectations == (rule,)
    with pytest.raises(DeclarationError, match=r"no_rows sees the whole table, which needs write=ReplacePartitions"):
        declared(reads=ROWS, fields=VISITS.silver_fields(), write=Merge(keys=VISITS.keys), expectations=[rule])


@pytest.mark.parametrize("column", ["member_id", "ward"])
def test_a_rule_names_rows_by_fields_without_a_phi_class(column: str) -> None:
    fields = (ID, DAY, field("member_id", STRING, "member", phi=MEMBER))
    rule = batch("no_rows", no_rows, on_failure=WARN, named_by=("visit_date", column))
    with pytest.raises(DeclarationError, match=f"no_rows names rows by {column}, which is no field, or one with a PHI"):
        declared(fields=fields, expectations=[rule])


def test_merge_takes_one_conformed_feed_and_no_groups() -> None:
    visits = merged(fresh())
    for scope in (snapshot(visits), groups(visits, by="network"), changes(paper_feed())):
        with pytest.raises(DeclarationError, match=r"Merge needs exactly one changes\(conformed"):
            declared(reads={"rows": scope}, fields=VISITS.silver_fields(), write=Merge(keys=VISITS.keys))


def test_merge_with_groups_beside_its_feed_is_refused() -> None:
    both = {"rows": changes(conformed(VISITS)), "seen": groups(merged(fresh()), by="network")}
    with pytest.raises(DeclarationError, match=r"Merge needs exactly one .* and no groups"):

        @table(fresh(), reads=both, fields=VISITS.silver_fields(), write=Merge(keys=VISITS.keys))
        def rows_with_groups(rows: DataFrame, seen: DataFrame) -> DataFrame:
            """One row per visit."""
            return rows.join(seen, "visit_id")


@pytest.mark.parametrize("write", [WHOLE, ReplaceGroups(by=("visit_id",)), Append()])
def test_changes_are_for_merges_alone(write: WriteMode) -> None:
    with pytest.raises(DeclarationError, match=r"changes\(\.\.\.\) needs write=Merge"):
        declared(reads=ROWS, write=write)


def test_table_reads_no_raw_feed() -> None:
    with pytest.raises(DeclarationError, match=r"snapshot\(feed\) belongs to a conform function"):
        declared(reads={"rows": snapshot(paper_feed())})


def test_replaced_groups_are_the_groups_that_are_read() -> None:
    visits = merged(fresh())
    with pytest.raises(DeclarationError, match=r"ReplaceGroups needs at least one groups"):
        declared(reads={"rows": snapshot(visits)}, write=ReplaceGroups(by=("visit_id",)))
    with pytest.raises(DeclarationError, match="must have as many columns as the groups of its reads"):
        declared(reads={"rows": groups(visits, by=VISITS.keys)}, write=ReplaceGroups(by=("visit_id",)))


@pytest.mark.parametrize("on", [None, "visit_date"])
def test_replaced_partitions_are_the_groups_that_are_read(on: str | None) -> None:
    visits = merged(fresh())
    with pytest.raises(DeclarationError, match=rf"ReplacePartitions on {on} must equal the groups of its reads"):
        declared(reads={"rows": groups(visits, by="visit_id")}, write=ReplacePartitions(on=on, keys=("visit_id",)))


def test_a_photograph_needs_its_day() -> None:
    visits = merged(fresh())
    write = ReplacePartitions(on="visit_date", keys=("visit_id",))
    with pytest.raises(DeclarationError, match=r"keeps a photograph of each day; read logical_date\(\)"):
        declared(reads={"rows": snapshot(visits)}, write=write)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(DeclarationError) as refusal:
        declared(fields=(ID, ID), write=ReplacePartitions(keys=("ward",)), partition_by="bed")
    for part in ("visit_id is declared twice", "key ward", "partition_by bed"):
        assert part in str(refusal.value)


def test_calling_a_table_runs_its_bare_transform() -> None:
    @table(
        fresh(),
        reads={"as_of": logical_date()},
        fields=[field("n", LONG, "number")],
        write=ReplacePartitions(keys=("n",)),
    )
    def as_of_date(as_of: date) -> date:
        """One row per day."""
        return as_of

    assert as_of_date(as_of=date(2026, 1, 15)) == date(2026, 1, 15)  # type: ignore[comparison-overlap]  # no frame needed to see the call


def test_description_is_the_docstring_on_one_line() -> None:
    assert merged(fresh()).description == "One row per visit. Newest state only."


def test_table_answers_for_its_parts() -> None:
    visits = merged(fresh("silver"), tags=("visits",))
    assert visits.name == f"{visits.layer}.{visits.short_name}"
    assert visits.layer == "silver"
    assert visits.keys == ("network", "visit_id")
    assert visits.ledger_fields == ("paid_amount",)
    assert visits.has_tombstones
    assert visits.field_names[:3] == ("network", "visit_id", "paid_amount")
    assert repr(visits) == f"Table({visits.name})"
    assert not counted(fresh("gold"), visits).has_tombstones


def test_field_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="ward"):
        merged(fresh()).field("ward")


def test_keys_come_from_the_write_mode() -> None:
    visits = merged(fresh())
    grouped = declared(reads={"rows": groups(visits, by="visit_id")}, write=ReplaceGroups(by=("visit_id",)))
    assert grouped.keys == ("visit_id",)
    assert declared(write=ReplacePartitions(keys=("visit_date", "visit_id"))).keys == ("visit_date", "visit_id")


@pytest.mark.parametrize("partition", ["visit_date", "visit_id"])
def test_rows_that_may_move_are_partitioned_by_a_period_alone(partition: str) -> None:
    said = r"partition_by must be period_of\(a date\) where keys may move between partitions"
    by_visit = {"rows": groups(merged(fresh()), by="visit_id")}
    for reads, write in ((ROWS, Merge(keys=("visit_id",))), (by_visit, ReplaceGroups(by=("visit_id",)))):
        with pytest.raises(DeclarationError, match=said):
            declared(reads=reads, write=write, partition_by=partition)
    assert declared(
        reads=by_visit, write=ReplaceGroups(by=("visit_id",)), partition_by=period_of("visit_date")
    ).partition_by == period_of("visit_date")
    assert declared(write=WHOLE, partition_by=partition).partition_by == partition


@pytest.mark.parametrize(
    ("write", "partition"),
    [(WHOLE, "visit_id"), (ReplacePartitions(on="visit_id", keys=("visit_id",)), None)],
    ids=["partition_by", "on"],
)
def test_a_phi_column_is_no_partition(write: WriteMode, partition: str | None) -> None:
    reads = {"rows": groups(merged(fresh()), by="visit_id")} if partition is None else None
    private = (field("visit_id", STRING, "visit", phi=ACCOUNT), DAY, PAID)
    with pytest.raises(DeclarationError, match="visit_id has a PHI class, but its values would stand in folder names"):
        declared(reads=reads, fields=private, write=write, partition_by=partition)
    assert declared(reads=reads, write=write, partition_by=partition).keys == ("visit_id",)
    assert declared(fields=private, write=WHOLE, partition_by="visit_date").keys == ("visit_id",)


@pytest.mark.parametrize("consequence", [QUARANTINE, DROP])
def test_a_derived_table_sets_no_row_aside(consequence: Consequence) -> None:
    rule = not_null("visit_id", on_failure=consequence)
    by_visit = {"rows": groups(merged(fresh()), by="visit_id")}
    for reads, write in ((None, WHOLE), (by_visit, ReplaceGroups(by=("visit_id",)))):
        with pytest.raises(DeclarationError, match="expectation visit_id_not_null would set rows aside"):
            declared(reads=reads, write=write, expectations=[rule])
        kept = not_null("visit_id", on_failure=FAIL)
        assert declared(reads=reads, write=write, expectations=[kept]).expectations == (kept,)
    merge = Merge(keys=VISITS.keys)
    assert declared(reads=ROWS, fields=VISITS.silver_fields(), write=merge, expectations=[rule]).expectations == (rule,)
