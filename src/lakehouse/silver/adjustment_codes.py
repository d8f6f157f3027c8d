"""Adjustment groups and reasons in one spelling, whatever the sender's: Column in, Column out. domain.md B30, B31."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.columns import clean_code

ANY_GROUP = "-"
CURRENT_GROUPS = ("CO", "PR", "OA", "PI")  # X12 835 CAS01
RETIRED_GROUP = "CR"  # until 5010
_SPELLINGS = rf"\A(?:({'|'.join((*CURRENT_GROUPS, RETIRED_GROUP))})[^A-Z0-9]*)?(?:D[^A-Z0-9]*(?=\d))?([A-Z]?\d+)\z"
_GROUP, _REASON = 1, 2
_CARC = r"\A(?:[1-9]\d{0,2}|[ABDPWY](?:\d|[1-9]\d))\z"


def adjustment_group(group: Column, reason: Column) -> Column:
    """The group as sent, else the one the reason is written with (`CO-45`, `CO45`, `co 45`), else `-`; never null."""
    sent = F.nullif(clean_code(group), F.lit(ANY_GROUP))
    written = F.nullif(F.regexp_extract(clean_code(reason), _SPELLINGS, _GROUP), F.lit(""))
    return F.coalesce(sent, written, F.lit(ANY_GROUP))


def adjustment_reason(reason: Column) -> Column:
    """The reason alone, in upper case; null where it is blank or `-`.

    `CO-45`, `CO45`, `co 45`, `045` and `45` are 45. A `D` before digits stands for "denial" and is no part of the code
    (`D-16` and `D16` are 16; X12's own reasons D1 to D23 are long retired). `B7`, `P14` and senders' own words stay.
    """
    sent = F.nullif(clean_code(reason), F.lit(ANY_GROUP))
    alone = F.nullif(F.regexp_extract(sent, _SPELLINGS, _REASON), F.lit(""))
    return F.coalesce(F.regexp_replace(alone, r"\A0+(?=\d)", ""), sent)


def carc_or_null(reason: Column) -> Column:
    """A reason that has the form of a claim adjustment reason code (X12 list 139); null for a sender's own word."""
    return F.when(reason.rlike(_CARC), reason)
