"""Settings: which source wins, and that every mistake names its key and its place and never a value."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lakehouse.errors import SettingsError
from lakehouse.settings import LakeSettings, PrivacySettings, Settings, load_settings
from lakehouse.settings_layers import Layer, merge
from lakehouse.settings_networks import NetworkSettings

BASE = '[lake]\nroot = "base-lake"\nsilver_partition = "month"\n[run]\nparallel_builds = 3\n'
CHECKOUT = Path(__file__).parents[1]


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings with a base and one environment, in an empty working directory."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "base.toml").write_text(BASE)
    (folder / "local.toml").write_text('[lake]\nroot = "local-lake"\n')
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_stronger_source_wins_and_the_weaker_fills_the_rest(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_RUN__PARALLEL_BUILDS", "5")
    monkeypatch.setenv("LAKEHOUSE_LAKE__MERGE_ON_READ", "false")
    settings = load_settings(overrides={"run": {"parallel_builds": 7}})
    assert settings.run.parallel_builds == 7
    assert settings.lake.merge_on_read is False
    assert settings.lake.root == "local-lake"
    assert settings.lake.silver_partition == "month"
    assert settings.spark.shuffle_partitions == 4
    assert settings.env == "local"


def test_an_environment_variable_reaches_into_a_network_of_a_file(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (conf / "local.toml").write_text('[networks.harbor]\nadapter = "standard"\nroot = "drops"\n')
    monkeypatch.setenv("LAKEHOUSE_NETWORKS__HARBOR__FEEDS", '["claims", "payments"]')
    monkeypatch.setenv("LAKEHOUSE_NETWORKS__HARBOR__ENABLED", "false")
    harbor = load_settings().networks["harbor"]
    assert harbor == NetworkSettings(adapter="standard", root="drops", feeds=("claims", "payments"), enabled=False)


def test_the_environment_is_chosen_by_argument_then_variable_then_local(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (conf / "dev.toml").write_text("")
    assert load_settings().env == "local"
    monkeypatch.setenv("LAKEHOUSE_ENV", "dev")
    assert load_settings().env == "dev"
    assert load_settings("local").env == "local"


def test_one_given_file_takes_the_place_of_the_environment(conf: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[networks.harbor]\nadapter = "standard"\n')
    settings = load_settings(config=tmp_path / "mine.toml")
    assert (settings.env, settings.lake.root) == ("mine", "base-lake")
    assert list(settings.networks) == ["harbor"]


def test_the_folder_of_settings_is_the_argument_then_the_variable_then_conf(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("by_variable", "by_argument"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.toml").write_text(f'[lake]\nroot = "{name}"\n')
        (tmp_path / name / "local.toml").write_text("")
    assert load_settings().lake.root == "local-lake"
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(tmp_path / "by_variable"))
    assert load_settings().lake.root == "by_variable"
    assert load_settings(conf_dir=tmp_path / "by_argument").lake.root == "by_argument"


def test_without_conf_in_the_working_directory_the_checkout_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().networks["harbor"].adapter == "standard"


def test_a_folder_without_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no base\.toml in it"):
        load_settings(conf_dir=tmp_path)


def test_an_unknown_environment_lists_the_nearest_first(conf: Path) -> None:
    for name in ("dev", "prod", "another"):
        (conf / f"{name}.toml").write_text("")
    with pytest.raises(SettingsError, match="no environment prd; conf has prod, dev, another, local"):
        load_settings("prd")
    with pytest.raises(SettingsError, match="no environment base"):
        load_settings("base")


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ('[lake]\nrooot = "x"\n', "lake.rooot", "root"),
        ('[networks.harbor]\nadapter = "standard"\nledgr = "provider"\n', "networks.harbor.ledgr", "ledger"),
        ("[lake.retention.silver]\nlog_days = 1\n", "lake.retention.silver.log_days", "log_retention_days"),
        ("[network.harbor]\n", "network", "networks"),
    ],
)
def test_an_unknown_key_names_its_file_and_the_nearest(conf: Path, text: str, key: str, nearest: str) -> None:
    (conf / "local.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert f"conf/local.toml: unknown key {key}; expected {nearest}" in str(raised.value)


def test_an_unknown_key_of_base_is_looked_for_in_base(conf: Path) -> None:
    (conf / "base.toml").write_text(BASE + "[spark]\nshufle = 1\n")
    with pytest.raises(SettingsError, match=r"conf/base\.toml: unknown key spark\.shufle; expected shuffle_partitions"):
        load_settings()


def test_an_unknown_variable_is_refused_and_a_foreign_one_left_alone(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_DEMO_PASSWORD", "a password")
    load_settings()
    monkeypatch.setenv("LAKEHOUSE_SPAK__MASTER", "local")
    with pytest.raises(
        SettingsError, match="variable LAKEHOUSE_SPAK__MASTER: no such setting; expected LAKEHOUSE_SPARK__"
    ):
        load_settings()
    monkeypatch.delenv("LAKEHOUSE_SPAK__MASTER")
    monkeypatch.setenv("LAKEHOUSE_SPARK__MASTR", "local")
    with pytest.raises(
        SettingsError, match=r"variable LAKEHOUSE_SPARK__MASTR: unknown key spark\.mastr; expected master"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nparallel_builds = 0\n", "run.parallel_builds: Input should be greater than or equal to 1"),
        ('[run]\nparallel_builds = "hunter2"\n', "run.parallel_builds: Input should be a valid integer"),
        ('[lake]\nsilver_partition = "hunter2"\n', "lake.silver_partition: Input should be 'month', 'year' or 'none'"),
        (
            '[networks.a]\nadapter = "x"\nconnection = "PWD=hunter2"\n',
            "networks.a.connection: expected a secret's name",
        ),
        ('[privacy]\nmember_token_key = "hunter2"\n', "privacy.member_token_key: expected a secret's name"),
        ("[networks.a]\n", "networks.a.adapter is missing"),
        ('env = "hunter2"\n', "remove env"),
    ],
)
def test_a_wrong_value_names_the_key_and_is_not_shown(conf: Path, text: str, message: str) -> None:
    (conf / "local.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert str(raised.value).startswith("conf/local.toml: ")
    assert message in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_value_of_a_variable_is_not_shown(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_NETWORKS", '{"hunter2"')
    with pytest.raises(SettingsError, match="write lists and tables as JSON") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_broken_toml_names_file_and_line(conf: Path) -> None:
    (conf / "local.toml").write_text('[lake]\n\nroot = "x\n')
    with pytest.raises(SettingsError, match=r"conf/local\.toml: not valid TOML: .*line 3"):
        load_settings()
    (conf / "local.toml").write_bytes(b'[lake]\nroot = "\xe9"\n')
    with pytest.raises(SettingsError, match=r"conf/local\.toml: expected UTF-8"):
        load_settings()


def test_a_missing_file_is_named(conf: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: cannot be read"):
        load_settings(config=tmp_path / "absent.toml")


@pytest.mark.parametrize("name", ["Harbor", "harbor-east", "2harbor", "harbor__east", "harbor_", "", "hafen_ä"])
def test_a_network_is_named_as_its_tables_can_be(name: str) -> None:
    with pytest.raises(ValidationError, match="lower_snake_case"):
        Settings(env="x", lake=LakeSettings(root="lake"), networks={name: NetworkSettings(adapter="standard")})


@pytest.mark.parametrize("name", ["a", "harbor", "harbor_east_2"])
def test_a_snake_case_network_is_accepted(name: str) -> None:
    networks = {name: NetworkSettings(adapter="standard")}
    assert list(Settings(env="x", lake=LakeSettings(root="lake"), networks=networks).networks) == [name]


def test_the_log_outlasts_the_files_it_names(conf: Path) -> None:
    (conf / "local.toml").write_text("[lake.retention]\ngold = { deleted_file_retention_days = 400 }\n")
    assert load_settings().lake.retention.gold.deleted_file_retention_days == 400
    (conf / "local.toml").write_text("[lake.retention]\ngold = { deleted_file_retention_days = 401 }\n")
    with pytest.raises(SettingsError, match=r"lake\.retention\.gold: Delta demands log_retention_days >="):
        load_settings()


def test_retention_is_asked_for_by_layer() -> None:
    retention = LakeSettings(root="lake").retention
    assert retention.for_layer("bronze").deleted_file_retention_days == 3650
    assert retention.for_layer("gold").deleted_file_retention_days == 35
    with pytest.raises(SettingsError, match="no retention for layer copper"):
        retention.for_layer("copper")


def test_settings_cannot_be_changed(conf: Path) -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.env = "prod"
    with pytest.raises(ValidationError, match="frozen"):
        settings.lake.root = "elsewhere"


def test_settings_built_directly_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_LAKE__ROOT", "elsewhere")
    assert Settings(env="x", lake=LakeSettings(root="lake/")).lake.root == "lake"


def test_a_lake_on_s3_wants_a_shared_key() -> None:
    on_s3 = LakeSettings(root="s3://bucket/lake/")
    with pytest.raises(ValidationError, match=r"lake\.root is on S3"):
        Settings(env="x", lake=on_s3)
    settings = Settings(env="x", lake=on_s3, privacy=PrivacySettings(member_token_key="secretsmanager:key"))
    assert settings.secrets_folder is None
    assert settings.lake.root == "s3://bucket/lake"
    assert Settings(env="x", lake=LakeSettings(root="lake")).secrets_folder == Path("lake/secrets")


def test_another_scheme_of_s3_is_refused() -> None:
    with pytest.raises(ValidationError, match="write s3://"):
        LakeSettings(root="s3a://bucket/lake")


def test_a_network_has_the_defaults_of_a_provider() -> None:
    harbor = NetworkSettings(adapter="standard")
    assert (harbor.ledger, harbor.denial_evidence, harbor.version_mode) == ("provider", "adjustments", "replace")
    assert (harbor.closes_claims, harbor.days_to_close) == (True, 120)
    assert (harbor.enabled, harbor.feeds, harbor.date_formats) == (True, None, ())


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_every_environment_that_ships_loads(name: str) -> None:
    settings = load_settings(name, conf_dir=CHECKOUT / "conf")
    assert settings.lake.is_s3 is (name != "local")
    assert (settings.spark.master is None) is (name != "local")
    assert bool(settings.networks) is (name == "local")


def test_importing_settings_starts_nothing_heavy() -> None:
    heavy = "{'pyspark', 'deltalake', 'boto3', 'pyarrow', 'pandas'}"
    code = f"import sys, lakehouse.settings; sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


trees = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda tree: isinstance(tree, dict))


@given(trees, trees)
def test_merging_keeps_the_stronger_and_changes_neither(above: dict[str, object], below: dict[str, object]) -> None:
    before = repr((above, below))
    merged = merge([Layer("above", above), Layer("below", below)])
    assert repr((above, below)) == before
    assert merge([Layer("above", above), Layer("merged", merged)]) == merged
    assert set(merged) == set(above) | set(below)
    assert all(merged[key] == value for key, value in above.items() if not isinstance(value, dict))
    assert all(merged[key] == below[key] for key in set(below) - set(above))
