"""One set of S3 settings, as each of the four clients wants to hear it: pyarrow, boto3, the log reader, and Spark.

Credentials are in none of them: each client asks AWS's own chain.
"""

from typing import Any  # boto3's clients are made at run time and have no type
from urllib.parse import urlsplit

from pyarrow import fs

from lakehouse.settings import LakeSettings, S3Settings

ATTEMPTS = 8
"""Tries of one request, with growing pauses: S3 answers 503 while it spreads a busy prefix over more machines."""


def filesystem(bucket: str, s3: S3Settings) -> fs.S3FileSystem:
    """A client for small files and for reading drops.

    Without a region and an endpoint the bucket is asked for its region.

    Raises:
        OSError: no such bucket, where it has to be asked.
    """
    retries = fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS)
    # Opened late, a small file is one PUT and not the three requests of a multipart upload.
    common = {"retry_strategy": retries, "allow_delayed_open": True}
    if s3.endpoint is None:
        return fs.S3FileSystem(region=s3.region or fs.resolve_s3_region(bucket), **common)
    address = urlsplit(s3.endpoint)
    return fs.S3FileSystem(
        endpoint_override=address.netloc,
        scheme=address.scheme,
        region=s3.region,
        force_virtual_addressing=not s3.path_style,
        **common,
    )


def client(s3: S3Settings) -> Any:
    """boto3's client, for the one request the others cannot make: a PUT that is refused when the object is there."""
    import boto3
    from botocore.config import Config

    addressing = {"addressing_style": "path"} if s3.path_style else {}
    config = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS}, s3=addressing)
    return boto3.client("s3", endpoint_url=s3.endpoint, region_name=s3.region, config=config)


def log_reader_options(s3: S3Settings) -> dict[str, str]:
    """`storage_options` of the deltalake package."""
    options = {"AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false"} if s3.path_style else {}
    if s3.region is not None:
        options["AWS_REGION"] = s3.region
    if s3.endpoint is not None:
        options["AWS_ENDPOINT_URL"] = s3.endpoint
        options["AWS_ALLOW_HTTP"] = str(s3.endpoint.startswith("http://")).lower()
    return options


def spark_conf(lake: LakeSettings) -> dict[str, str]:
    """What Spark must be told before it starts; nothing for a lake in a folder.

    `fs.s3a.performance.flags` and `fs.s3a.create.performance` are never set: they skip the look whether a commit's
    file is there, and with it all that keeps one commit from replacing another.
    """
    if not lake.is_s3:
        return {}
    conf = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}
    if lake.s3.region is not None:
        conf["spark.hadoop.fs.s3a.endpoint.region"] = lake.s3.region
    if lake.s3.endpoint is not None:
        conf["spark.hadoop.fs.s3a.endpoint"] = lake.s3.endpoint
        conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(lake.s3.endpoint.startswith("https://")).lower()
    if lake.s3.path_style:
        conf["spark.hadoop.fs.s3a.path.style.access"] = "true"
    return conf | _log_store(lake)


def _log_store(lake: LakeSettings) -> dict[str, str]:
    """Delta's log store with a true put-if-absent, where it is asked for.

    Its jar (`delta-storage-s3-dynamodb`) is on the image of EMR Serverless and not among those that set-up fetches, so
    here only these settings are tested, and never a commit through it.
    """
    if lake.log_store != "dynamodb":
        return {}
    store = "io.delta.storage.S3DynamoDBLogStore"
    # One name for each scheme: a table that is opened as s3a:// by hand is written through the same table.
    return {
        "spark.delta.logStore.s3.impl": store,
        "spark.delta.logStore.s3a.impl": store,
        f"spark.{store}.ddb.tableName": str(lake.dynamodb_table),
        f"spark.{store}.ddb.region": str(lake.s3.region),
    }
