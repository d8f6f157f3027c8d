"""Conditions on the amounts of one row, shared by claims, lines and payments. Signs apart: a reversal negates all."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def charge_not_zero() -> Column:
    """Something was charged; encounters under capitation do break this and count in no yield."""
    return F.col("billed_amount") != 0


def paid_within_allowed() -> Column:
    """The plan paid no more than it allowed; interest and coordination of benefits do break this."""
    return F.abs("paid_amount") <= F.abs("allowed_amount")


def allowed_within_billed() -> Column:
    """No more was allowed than charged; case rates do break this."""
    return F.abs("allowed_amount") <= F.abs("billed_amount")
