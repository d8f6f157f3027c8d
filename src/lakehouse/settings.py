"""Settings: places, sizes, thresholds and switches. Never columns, rules, SQL or table lists; of a secret, its name.

`load_settings` reads them once, at the edge (command line, job, notebook), and everything below receives the frozen
result. Sources, strongest first: the command line, environment variables `LAKEHOUSE_<SECTION>__<KEY>`,
`conf/<env>.toml`, `conf/base.toml`, the defaults below. Tables are merged key by key, lists and plain values are
replaced. Relative paths are relative to the working directory. `Settings(...)` itself uses its arguments and the
defaults, nothing else.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lakehouse.errors import SettingsError
from lakehouse.settings_alerts import AlertSettings
from lakehouse.settings_layers import (
    BASE_FILE,
    ENV_DELIMITER,
    ENV_PREFIX,
    Layer,
    conf_folder,
    environment_file,
    environment_layer,
    explain,
    file_layer,
    merge,
)
from lakehouse.settings_networks import NETWORK_NAME, NetworkSettings, secret_reference
from lakehouse.settings_retention import LayerRetentionSettings
from lakehouse.settings_section import Section

DEFAULT_ENV = "local"


class S3Settings(Section):
    """How S3 is reached. Credentials are never settings: every client asks AWS's own chain (variables, profile, role).

    Attributes:
        endpoint: address of a service that speaks S3; None is AWS itself.
        region: None leaves it to the clients, which ask the environment or the bucket.
        path_style: the bucket stands in the path and not in the host name; for an `endpoint` that wants it so.
    """

    endpoint: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] | None = None
    path_style: bool = False


class LakeSettings(Section):
    """Where the tables are and how they are kept.

    Attributes:
        root: folder or `s3://bucket/prefix`, without a slash at the end.
        silver_partition: unit of the partitions of Silver tables; a month only where a month fills files of 128 MB.
        merge_on_read: deletion vectors on merged Silver tables.
        retention: per layer, in days.
        s3: how S3 is reached, for the lake and for networks' drop folders.
        log_store: who sees to it that two writers cannot make the same commit of a table on S3. `single_driver` does so
            within one Spark driver only; `dynamodb` for all of them, through a table that every writer must use.
        dynamodb_table: name of that table, in `s3.region`.
    """

    root: Annotated[str, Field(min_length=1)]
    silver_partition: Literal["month", "year", "none"] = "year"
    merge_on_read: bool = True
    retention: LayerRetentionSettings = LayerRetentionSettings()
    s3: S3Settings = S3Settings()
    log_store: Literal["single_driver", "dynamodb"] = "single_driver"
    dynamodb_table: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")] | None = None

    @field_validator("root")
    @classmethod
    def _one_spelling(cls, root: str) -> str:
        if re.match(r"s3[an]://", root):
            raise ValueError("write s3://bucket/prefix; Spark and the log reader choose their own client for it")
        return root.rstrip("/") or "/"

    @model_validator(mode="after")
    def _shared_log_store_has_a_place(self) -> Self:
        if self.log_store == "dynamodb" and (self.dynamodb_table is None or self.s3.region is None):
            raise ValueError("log_store dynamodb needs dynamodb_table and s3.region, the same for every writer")
        return self

    @property
    def is_s3(self) -> bool:
        """Whether the lake lies on S3 and not in a folder."""
        return self.root.startswith("s3://")


class SparkSettings(Section):
    """Sizes of one Spark session.

    Attributes:
        master: None leaves it to spark-submit (EMR Serverless sets its own).
        driver_memory: heap of a driver that we start ourselves, in Spark's notation (`2g`).
        shuffle_partitions: tasks of a shuffle before adaptive execution joins small ones.
        snapshot_partitions: tasks that rebuild the state of one Delta table.
        jars_folder: folder whose jars are put on the class path. None: `jars` in the running Python environment, or,
            under spark-submit, none at all, because spark-submit was given them.
        class_archive: start the JVM from an archive of its loaded classes, when `lakehouse.storage.session` made one.
        quick_compile: leave out the optimising compiler and generated code: starts faster, runs long work slower. For
            tests and the demo.
        conf: further Spark settings; they win over those of the session.
    """

    master: str | None = None
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "2g"
    shuffle_partitions: Annotated[int, Field(ge=1)] = 4
    snapshot_partitions: Annotated[int, Field(ge=1)] = 2
    jars_folder: str | None = None
    class_archive: bool = False
    quick_compile: bool = False
    conf: dict[str, str] = Field(default={})


class RunSettings(Section):
    """How a run works through the tables.

    Attributes:
        parallel_builds: tables built at the same time in one session.
        lease_seconds: a writer that was not heard of for so long has lost its leases.
    """

    parallel_builds: Annotated[int, Field(ge=1)] = 2
    lease_seconds: Annotated[int, Field(ge=5)] = 120


class PrivacySettings(Section):
    """How member identifiers leave Bronze.

    Attributes:
        member_token_key: secret reference (`lakehouse.storage.secrets`) of the key that makes a member's token.
        member_token_key_version: written beside each token; raise it together with a new key.
    """

    member_token_key: str = "local:member_token"
    member_token_key_version: Annotated[str, Field(min_length=1)] = "1"

    @field_validator("member_token_key")
    @classmethod
    def _is_a_reference(cls, reference: str) -> str:
        return secret_reference(reference)


class Settings(BaseSettings):
    """Everything a run is told, loaded once by `load_settings` and passed down.

    Attributes:
        env: name of the environment (`local`, `dev`, `prod`), or of the file given in its place.
        lake, spark, run, privacy, alerts: see their classes.
        networks: network name to its settings.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
    )

    env: str
    lake: LakeSettings
    spark: SparkSettings = SparkSettings()
    run: RunSettings = RunSettings()
    privacy: PrivacySettings = PrivacySettings()
    alerts: AlertSettings = AlertSettings()
    networks: dict[str, NetworkSettings] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments only: `load_settings` merges the sources, so that an error can name the file a key stands in."""
        return (init_settings,)

    @field_validator("networks")
    @classmethod
    def _names_are_identifiers(cls, networks: dict[str, NetworkSettings]) -> dict[str, NetworkSettings]:
        wrong = sorted(name for name in networks if not NETWORK_NAME.fullmatch(name))
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: a network's name is lower_snake_case (a letter, then letters, digits and single "
                "underscores), because its tables are named after it"
            )
        return networks

    @model_validator(mode="after")
    def _shared_lake_has_a_shared_key(self) -> Self:
        if self.lake.is_s3 and self.privacy.member_token_key.startswith("local:"):
            raise ValueError(
                "privacy.member_token_key is a local key, but lake.root is on S3, where every machine would have a "
                "key of its own; expected secretsmanager:<id> or env:<NAME>"
            )
        return self

    @property
    def secrets_folder(self) -> Path | None:
        """Folder of the development keys (`local:` references); None when the lake is on S3 and has none."""
        return None if self.lake.is_s3 else Path(self.lake.root) / "secrets"


def load_settings(
    env: str | None = None,
    config: Path | None = None,
    conf_dir: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read and check the settings of one environment.

    Args:
        env: name of an environment, a file `<env>.toml` beside `base.toml`; default the variable LAKEHOUSE_ENV, else
            `local`.
        config: one TOML file to use in place of a named environment.
        conf_dir: folder of `base.toml`; default the variable LAKEHOUSE_CONF_DIR, else `conf` in the working directory
            if it has a `base.toml`, else `conf` of this checkout.
        overrides: nested settings of the command line, such as `{"lake": {"root": "/data/lake"}}`; they win.

    Raises:
        SettingsError: no such environment or file, a file that is not TOML, an unknown key, a value of the wrong type.
            The message names the key and where it stands, and never shows a value.
    """
    folder = conf_folder(conf_dir, required=config is None)
    base = [] if folder is None else [file_layer(folder / BASE_FILE)]
    if config is not None:
        name, chosen = config.stem, file_layer(config)
    elif folder is not None:
        name = env or os.environ.get(f"{ENV_PREFIX}ENV") or DEFAULT_ENV
        chosen = file_layer(environment_file(name, folder))
    sections = [section for section in Settings.model_fields if section != "env"]
    variables = environment_layer(Settings, sections)
    layers = [Layer("command line", overrides or {}), variables, chosen, *base]
    for layer in layers:
        if "env" in layer.values:
            raise SettingsError(
                f"{layer.place(('env',))}: remove env; --env or {ENV_PREFIX}ENV chooses the environment"
            )
    try:
        return Settings.model_validate(merge(layers) | {"env": name})
    except ValidationError as error:
        raise SettingsError(explain(error, layers, chosen, Settings)) from None
