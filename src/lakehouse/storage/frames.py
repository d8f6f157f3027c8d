"""Small frames from values, through Arrow: Spark's own way for lists starts Python workers, half a second each."""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema


def schema_by_name(**types: T.DataType) -> T.StructType:
    """A schema of nullable columns by name."""
    return T.StructType([T.StructField(name, type) for name, type in types.items()])


def frame_of(session: SparkSession, rows: Sequence[Sequence[object]], schema: T.StructType) -> DataFrame:
    """A frame of a few rows in one partition; naive datetimes are UTC."""
    if not rows:
        return no_rows(session, schema)
    arrow = to_arrow_schema(schema)
    values = [pa.array([row[i] for row in rows], type=arrow.field(i).type) for i in range(len(arrow))]
    return session.createDataFrame(pa.Table.from_arrays(values, schema=arrow), schema).coalesce(1)


def no_rows(session: SparkSession, schema: T.StructType) -> DataFrame:
    """A frame without rows."""
    return session.range(0).select(*[F.lit(None).cast(f.dataType).alias(f.name) for f in schema.fields])
