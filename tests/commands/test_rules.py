"""The list of rules and its page. No Spark starts here."""

from pathlib import Path

import pytest

from cli.lakes import LakeFolder, lake_folder
from lakehouse.commands.rules import COMMAND, lines_of, page
from lakehouse.spec.registry import Registry

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
TABLES = Registry.discover({}).tables


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    return lake_folder(tmp_path)


def told(lake: LakeFolder, *arguments: str) -> dict[tuple[str, str], dict[str, object]]:
    """(rule, network) -> line."""
    lines = lake.json("rules", *arguments)["rules"]
    assert isinstance(lines, list)
    return {(line["rule"], line["network"]): line for line in lines}


def test_the_page_is_what_is_declared() -> None:
    assert PAGE.read_text(encoding="utf-8").splitlines() == page(TABLES.values()).splitlines(), (
        f"a rule changed; write the page anew: {COMMAND} > docs/rules.md"
    )


def test_every_rule_says_what_it_means() -> None:
    assert [(line.table, line.rule) for t in TABLES.values() for line in lines_of(t, {}) if not line.meaning] == []


@pytest.mark.parametrize("table", ["silver.claim", "silver.claim_line", "silver.payment"])
def test_every_rule_of_claims_says_where_it_comes_from(table: str) -> None:
    assert [line.rule for line in lines_of(TABLES[table], {}) if not line.source] == []


def test_markdown_needs_no_settings_and_is_the_page(lake: LakeFolder) -> None:
    lake.config.unlink()
    assert lake.call("rules", "--markdown").stdout == page(TABLES.values())


def test_rules_of_selected_tables_are_listed_with_what_networks_change(lake: LakeFolder) -> None:
    lake.config.write_text(
        lake.config.read_text()
        + 'version_mode = "delta"\n[networks.harbor.checks.rules]\n'
        + '"silver.claim.service_date_not_far_ahead" = {on_failure = "warn", at_most = "1%"}\n'
    )
    lines = told(lake, "-s", "silver.claim", "-s", "bronze.harbor_claims")
    declared = lines["service_date_not_far_ahead", "-"]
    assert (declared["action"], declared["threshold"], declared["source"]) == ("quarantine", "-", "B12")
    changed = lines["service_date_not_far_ahead", "harbor"]
    assert (changed["action"], changed["threshold"]) == ("warn", "1%")
    assert lines["original_charge_not_negative", "harbor"]["action"] == "-"
    assert {line["table"] for line in lines.values()} == {"silver.claim"}
    text = lake.call("rules", "-s", "silver.claim")
    assert text.exit_code == 0
    assert "3 changed by settings of networks" in text.stdout


def test_a_rule_that_settings_change_and_nobody_declared_ends_with_2_and_the_nearest(lake: LakeFolder) -> None:
    lake.config.write_text(
        lake.config.read_text()
        + '[networks.harbor.checks.rules]\n"silver.claim.service_date_not_ahed" = {on_failure = "warn"}\n'
    )
    answer = lake.call("plan")
    assert answer.exit_code == 2
    assert "service_date_not_ahead" in answer.stderr
