"""The one routine that builds any table: read what is due, transform, check, prove, write, in one commit."""

from lakehouse.engine.context import BuildContext, BuildResult
from lakehouse.engine.derive import replace_groups, replace_partitions
from lakehouse.engine.land import land
from lakehouse.engine.merge import merge_table
from lakehouse.engine.work import TablePlan
from lakehouse.spec.scopes import Append, Merge, ReplaceGroups


def build(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Do the work of one plan.

    Nothing of the table is visible to readers before its rules hold and its ledgers close; then all of it is, in one
    commit that carries the table's state. Rows set aside are written before the good ones.

    Raises:
        LakehouseError: naming the table and what to do; the table is as it was.
    """
    write = plan.table.write
    if isinstance(write, Append):
        return land(context, plan)
    if isinstance(write, Merge):
        return merge_table(context, plan)
    if isinstance(write, ReplaceGroups):
        return replace_groups(context, plan)
    return replace_partitions(context, plan)
