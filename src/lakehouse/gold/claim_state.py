"""What of settled claims is owed, lost or a credit on a date: pure functions over rows of silver.claim_final."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def split_remainder(claims: DataFrame, as_of: datetime.date) -> DataFrame:
    """`claims` with what is left of each as outstanding (by cause), residual or credit on the date `as_of`.

    A closing dated after `as_of` has not happened yet; it is the claim's next change. A denial that is not final is
    no loss yet: it will be appealed, so it is outstanding.
    """
    left, denied, zero = F.col("remainder_amount"), F.col("denied_amount"), F.lit(0)
    is_closed = F.coalesce(F.col("closes_on") <= F.lit(as_of), F.lit(False))
    is_final = F.coalesce(F.col("denial_final_on") <= F.lit(as_of), F.lit(False))
    open_left = F.when((left > 0) & ~is_closed, left).otherwise(zero)
    in_denial = F.when(is_final, zero).otherwise(denied)
    is_adjudicated = F.coalesce(F.col("is_adjudicated"), F.lit(False))
    return claims.withColumns(
        {
            "denied_amount": F.when(is_final, denied).otherwise(zero),
            "outstanding_amount": open_left + in_denial,
            "outstanding_unadjudicated_amount": F.when(is_adjudicated, zero).otherwise(open_left),
            "outstanding_in_denial_amount": in_denial,
            "outstanding_unexplained_amount": F.when(is_adjudicated, open_left).otherwise(zero),
            "residual_amount": F.when((left > 0) & is_closed, left).otherwise(zero),
            "credit_amount": F.least(left, zero),
            "changes_on": F.least(
                F.when((left > 0) & ~is_closed, F.col("closes_on")),
                F.when((denied > 0) & ~is_final, F.col("denial_final_on")),
            ),
        }
    )
