"""Coverage spans in the contract's columns. Key: member, payer, plan, coverage type and first day. Holds no money."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import contract_columns
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

eligibility = contract_feed(
    ELIGIBILITY,
    "coverage spans in the contract's columns",
    folder="eligibility",
    key=("member_id", "payer_name", "plan_name", "coverage_type", "coverage_start_date"),
    may_lack=("plan_name", "coverage_type"),
)


@conforms(ELIGIBILITY, reads={"eligibility": changes(eligibility)})
def conform_eligibility(eligibility: DataFrame) -> DataFrame:
    """One row per coverage span, as sent; Silver calls a blank plan or coverage type `-`."""
    return contract_columns(eligibility, ELIGIBILITY)
