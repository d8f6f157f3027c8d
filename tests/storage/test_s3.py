"""S3 settings as each client hears them."""

import pytest
from pydantic import ValidationError

from lakehouse.settings import LakeSettings, S3Settings, load_settings
from lakehouse.storage.s3 import client, filesystem, log_reader_options, spark_conf
from lakehouse.storage.store import Store
from servers.moto import Moto

OTHER = S3Settings(endpoint="http://127.0.0.1:9", region="eu-west-1", path_style=True)


def test_a_lake_in_a_folder_tells_spark_nothing() -> None:
    assert spark_conf(LakeSettings(root="lake", s3=OTHER)) == {}


def test_spark_hears_of_aws_no_more_than_which_client_to_take() -> None:
    conf = spark_conf(LakeSettings(root="s3://bucket/lake"))
    assert conf == {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}


def test_spark_hears_of_another_endpoint_all_it_needs() -> None:
    assert spark_conf(LakeSettings(root="s3://bucket/lake", s3=OTHER)) == {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:9",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }


def test_the_shared_log_store_serves_every_scheme() -> None:
    conf = spark_conf(load_settings("prod").lake)
    store = "io.delta.storage.S3DynamoDBLogStore"
    assert conf["spark.delta.logStore.s3.impl"] == conf["spark.delta.logStore.s3a.impl"] == store
    assert conf["spark.io.delta.storage.S3DynamoDBLogStore.ddb.tableName"] == "lakehouse_delta_log"
    assert conf["spark.io.delta.storage.S3DynamoDBLogStore.ddb.region"] == "us-east-1"


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_nothing_skips_the_look_for_an_existing_commit(name: str) -> None:
    settings = load_settings(name)
    told = spark_conf(settings.lake) | settings.spark.conf
    assert [key for key in told if "performance" in key] == []


@pytest.mark.parametrize("missing", ["dynamodb_table", "region"])
def test_a_shared_log_store_without_its_place_is_refused(missing: str) -> None:
    given = {"dynamodb_table": "delta_log", "region": "us-east-1"} | {missing: None}
    with pytest.raises(ValidationError, match=r"needs dynamodb_table and s3\.region"):
        LakeSettings(
            root="s3://bucket",
            log_store="dynamodb",
            dynamodb_table=given["dynamodb_table"],
            s3=S3Settings(region=given["region"]),
        )


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:9", "ftp://host", "https://user:secret@host", "https://host/path", "https://host?x=1", ""]
)
def test_an_endpoint_is_an_address_and_nothing_else(endpoint: str) -> None:
    with pytest.raises(ValidationError) as refused:
        S3Settings(endpoint=endpoint)
    assert "secret" not in str(refused.value)


def test_the_log_reader_hears_nothing_of_aws_itself() -> None:
    assert log_reader_options(S3Settings()) == {}
    assert log_reader_options(S3Settings(endpoint="https://host"))["AWS_ALLOW_HTTP"] == "false"


def test_all_clients_of_this_process_find_the_same_object(moto: Moto) -> None:
    from deltalake import DeltaTable, write_deltalake
    from pyarrow import table

    bucket = moto.fresh_bucket()
    store = Store(f"s3://{bucket}/lake", moto.s3)
    write_deltalake(store.table("silver.claim"), table({"n": [1, 2]}), storage_options=dict(store.log_reader_options))
    name = "00000000000000000000.json"
    key = f"lake/silver/claim/_delta_log/{name}"
    assert store.names("silver", "claim", "_delta_log") == [name]
    assert client(moto.s3).get_object(Bucket=bucket, Key=key)["Body"].read() == store.read(
        "silver", "claim", "_delta_log", name
    )
    assert filesystem(bucket, moto.s3).get_file_info(f"{bucket}/{key}").is_file
    assert DeltaTable(store.table("silver.claim"), storage_options=dict(store.log_reader_options)).version() == 0


def test_without_a_region_the_environment_decides(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert filesystem("bucket", S3Settings(endpoint=moto.endpoint)).region == "eu-central-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert client(S3Settings(endpoint=moto.endpoint)).meta.region_name == "eu-central-1"
