"""The demo's lake folder: made anew, never over something else, with settings that any command can use."""

from pathlib import Path

import pytest

from lakehouse.demo.walkthrough import MARKER, demo_settings, fresh_lake
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings, load_settings


def demo_lake(root: Path, *, database: bool = True) -> Settings:
    settings = demo_settings(load_settings("local"), root, database=database)
    fresh_lake(settings)
    return settings


@pytest.mark.parametrize("database", [True, False])
def test_marker_is_the_settings_of_the_demo(tmp_path: Path, database: bool) -> None:
    settings = demo_lake(tmp_path / "demo", database=database)
    marked = load_settings(config=tmp_path / "demo" / MARKER)
    assert marked.networks == settings.networks
    assert list(marked.networks) == (["harbor", "meridian"] if database else ["harbor"])
    assert marked.lake.root == settings.lake.root


def test_previous_demo_is_removed_with_both_networks(tmp_path: Path) -> None:
    demo_lake(tmp_path / "demo")
    for table in ("harbor_claims", "meridian_claims"):
        (tmp_path / "demo" / "bronze" / table).mkdir(parents=True)
    demo_lake(tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == [MARKER]


def test_demo_lake_with_a_network_of_someones_own_is_left_alone(tmp_path: Path) -> None:
    settings = demo_lake(tmp_path / "demo")
    (tmp_path / "demo" / "bronze" / "lakeside_claims").mkdir(parents=True)
    with pytest.raises(SettingsError, match="bronze/lakeside_claims"):
        fresh_lake(settings)
    assert (tmp_path / "demo" / "bronze" / "lakeside_claims").is_dir()


def test_folder_without_the_marker_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(SettingsError, match="left alone"):
        demo_lake(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "keep me"
