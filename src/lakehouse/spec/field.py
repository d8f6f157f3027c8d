"""Columns: their type, meaning, unit and sensitivity."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import types as T

from lakehouse.errors import DeclarationError

STRING = T.StringType()
STRINGS = T.ArrayType(T.StringType())
DATE = T.DateType()
TIMESTAMP = T.TimestampType()
BOOLEAN = T.BooleanType()
INT = T.IntegerType()
LONG = T.LongType()
MONEY = T.DecimalType(14, 2)
TOTAL = T.DecimalType(18, 2)
QUANTITY = T.DecimalType(12, 3)
RATE = T.DecimalType(9, 6)
TEXTS = T.MapType(T.StringType(), T.StringType())

_NAME = re.compile(r"_?[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


class Phi(StrEnum):
    """Sensitivity of a column, after the identifier kinds of 45 CFR 164.514(b)(2).

    A column with any class keeps its values out of logs, errors, metrics, Delta statistics and merge predicates.
    """

    DIRECT = "direct"  # names, contacts, government numbers
    MEMBER = "member"  # health plan beneficiary number: leaves Bronze only as a token
    TOKEN = "token"  # keyed pseudonym of a member number
    ACCOUNT = "account"  # claim, remittance and control numbers
    BIRTH_DATE = "birth_date"
    GEOGRAPHY = "geography"  # below state
    HEALTH = "health"  # diagnoses and procedures of a person


DIRECT, MEMBER, TOKEN, ACCOUNT = Phi.DIRECT, Phi.MEMBER, Phi.TOKEN, Phi.ACCOUNT
BIRTH_DATE, GEOGRAPHY, HEALTH = Phi.BIRTH_DATE, Phi.GEOGRAPHY, Phi.HEALTH


@dataclass(frozen=True)
class Field:
    """One column of a stored table.

    Attributes:
        name: lower snake_case; technical columns start with `_`.
        type: Spark type.
        meaning: one line; becomes the column comment in Delta and Glue.
        unit: of a quantity, e.g. `USD`; None where there is none.
        required: null is a failure (an expectation, since a tombstone may carry nothing but its key).
        phi: sensitivity class; None when the column says nothing about a person.
        ledger: money that every build must account for to the cent.
    """

    name: str
    type: T.DataType
    meaning: str
    unit: str | None = None
    required: bool = False
    phi: Phi | None = None
    ledger: bool = False

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise DeclarationError(f"field {self.name!r}: a name is lower snake_case (a-z, 0-9, _). Rename it.")
        if not self.meaning.strip():
            raise DeclarationError(f"field {self.name}: the meaning is empty. Say in one line what the column holds.")
        if self.ledger and not isinstance(self.type, T.DecimalType):
            raise DeclarationError(
                f"field {self.name}: ledger money must be a decimal, found {self.type.simpleString()}. Use MONEY."
            )

    @property
    def comment(self) -> str:
        """The meaning with its unit, as shown in Glue."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


def field(
    name: str,
    type: T.DataType,
    meaning: str,
    *,
    unit: str | None = None,
    required: bool = False,
    phi: Phi | None = None,
    ledger: bool = False,
) -> Field:
    """Declare a column; see `Field`. Amounts of type MONEY or TOTAL are in US dollars unless another unit is given."""
    if unit is None and type in (MONEY, TOTAL):
        unit = "USD"
    return Field(name, type, meaning, unit, required, phi, ledger)


def schema_of(fields: "tuple[Field, ...] | list[Field]") -> T.StructType:
    """The Spark schema of `fields`, in their order, comments attached, all nullable."""
    return T.StructType([T.StructField(f.name, f.type, True, {"comment": f.comment}) for f in fields])


def structs(**members: T.DataType) -> T.ArrayType:
    """The type of a list of records."""
    return T.ArrayType(T.StructType([T.StructField(name, type) for name, type in members.items()]))


BRONZE_LINEAGE = (
    field("_network", STRING, "network that sent the row"),
    field("_batch_id", STRING, "delivery or window the row came with"),
    field("_source", STRING, "file (relative to the network's root) or source table"),
    field("_row_number", LONG, "1-based record number within the source"),
    field("_raw_hash", LONG, "xxhash64 over every business column as sent, null-safe"),
    field("_delivered_at", TIMESTAMP, "UTC time of the delivery: the date in its path, else its modification time"),
    field("_ingested_at", TIMESTAMP, "UTC time of the run that landed the row"),
    field("_ingest_date", DATE, "logical date of the run that landed the row; partition"),
)
RESCUED = field("_rescued", TEXTS, "columns the sender added that are not declared, by name", phi=DIRECT)

MERGE_LINEAGE = (
    field("_source", STRING, "file or source table of the newest accepted row"),
    field("_batch_id", STRING, "batch of the newest accepted row"),
    field("_row_number", LONG, "record number of the newest accepted row within its source"),
    field("_raw_hash", LONG, "hash of that row as sent"),
    field("_row_hash", LONG, "xxhash64 over the business columns, null-safe; equal hash means unchanged"),
)
ROW_HASH = MERGE_LINEAGE[-1]
PERIOD = field("_period", INT, "partition: year (YYYY) or month (YYYYMM) of the table's period date")
