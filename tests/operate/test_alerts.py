"""Who is told what, and how often; targets are a server on loopback and moto's SNS."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from pydantic import ValidationError

from engine.logs import HandLog
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine.impact import impact_of
from lakehouse.engine.run import Outcome, RunReport, TableOutcome
from lakehouse.engine.work import Request
from lakehouse.errors import AlertError
from lakehouse.operate import alerts
from lakehouse.operate.alerts import (
    FOLDER,
    RUNS,
    Incident,
    Message,
    Phase,
    of_failures,
    of_staleness,
    of_volume,
    tell_failures,
    tell_incidents,
)
from lakehouse.operate.freshness import lake_freshness
from lakehouse.operate.volume import FeedVolume, Unusual
from lakehouse.settings_alerts import AlertSettings, AlertTarget
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store
from servers.moto import REGION, Moto
from servers.webhook import Webhook

SOUTH = "bronze.south_visits"
NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOOK = AlertTarget(kind="webhook", url="env:HOOK_URL")
FAILED = Incident("core", "prod: silver.visit failed", ("finance",), ("rerun: lakehouse run",), ("silver.visit",))
STALE = Incident("stale", "prod: gold.month stale", (), ("gold.month: 30 hours",), ("gold.month",))


class Listener:
    """Remembers what it was told; targets named here refuse."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Phase, str]] = []
        self.down: set[str] = set()

    def __call__(self, target: AlertTarget, told: Message, timeout_seconds: float) -> None:
        name = str(target.url).removeprefix("env:")
        if name in self.down:
            raise AlertError("it does not answer")
        self.told.append((name, told.phase, told.title))


class Told:
    """Alerts of one lake, told to a listener."""

    def __init__(self, root: Path, *targets: str) -> None:
        self.store, self.listener = Store(str(root)), Listener()
        self.settings = AlertSettings(
            targets={t: AlertTarget(kind="webhook", url=f"env:{t}") for t in targets or ("HOOK",)}
        )

    def now(self, *incidents: Incident, source: str = RUNS) -> tuple[list[tuple[str, Phase, str]], list[str]]:
        """What is told when these last: messages and problems."""
        self.listener.told.clear()
        problems = tell_incidents(self.settings, self.store, source, incidents, self.listener)
        return list(self.listener.told), problems


def test_one_message_when_it_begins_none_while_it_lasts_and_one_when_it_is_over(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert told.now(FAILED) == ([("HOOK", Phase.OPENED, FAILED.title)], [])
    assert told.now(FAILED) == ([], [])
    assert told.now(replace(FAILED, title="later", lines=("40 hours old",))) == ([], [])  # only ages moved
    assert told.now() == ([("HOOK", Phase.OVER, "over: later")], [])
    assert told.now() == ([], [])
    assert told.now(FAILED)[0] == [("HOOK", Phase.OPENED, FAILED.title)]


def test_an_incident_that_touches_something_else_is_told_again(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.now(FAILED)
    wider = replace(FAILED, tables=(*FAILED.tables, "silver.episode"), title="prod: two failed")
    assert told.now(wider)[0] == [("HOOK", Phase.CHANGED, "prod: two failed")]
    assert told.now(wider)[0] == []
    more = replace(wider, reports=("Charges by month",))
    assert [phase for _, phase, _ in told.now(more)[0]] == [Phase.CHANGED]


def test_incidents_are_apart_and_each_source_knows_its_own(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert [phase for _, phase, _ in told.now(FAILED, STALE)[0]] == [Phase.OPENED, Phase.OPENED]
    assert told.now(STALE)[0] == [("HOOK", Phase.OVER, f"over: {FAILED.title}")]
    assert told.now(source="freshness")[0] == []


def test_a_target_that_is_down_is_told_later_and_the_others_at_once(tmp_path: Path) -> None:
    told = Told(tmp_path, "DOWN", "UP")
    told.listener.down = {"DOWN"}
    sent, problems = told.now(FAILED)
    assert (sent, problems) == ([("UP", Phase.OPENED, FAILED.title)], ["alert target DOWN: it does not answer"])
    told.listener.down = set()
    assert told.now(FAILED)[0] == [("DOWN", Phase.OPENED, FAILED.title)]
    told.listener.down = {"DOWN"}
    assert told.now()[0] == [("UP", Phase.OVER, f"over: {FAILED.title}")]
    told.listener.down = set()
    assert told.now()[0] == [("DOWN", Phase.OVER, f"over: {FAILED.title}")]
    assert told.now()[0] == []


def test_an_incident_that_was_over_before_a_target_heard_of_it_is_not_told(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.listener.down = {"HOOK"}
    told.now(FAILED)
    told.listener.down = set()
    assert told.now() == ([], [])


def test_an_unforeseen_error_of_a_target_fails_nothing_and_its_text_is_not_shown(tmp_path: Path) -> None:
    def broken(target: AlertTarget, told: Message, timeout_seconds: float) -> None:
        raise RuntimeError("member 123456789")

    settings = AlertSettings(targets={"hook": HOOK})
    (problem,) = tell_incidents(settings, Store(str(tmp_path)), RUNS, [FAILED], broken)
    assert problem.startswith("alert target hook: stopped by RuntimeError")
    assert "123456789" not in problem


def test_without_targets_nothing_is_kept(tmp_path: Path) -> None:
    assert tell_incidents(AlertSettings(), Store(str(tmp_path)), RUNS, [FAILED]) == []
    assert not (tmp_path / "ops").exists()


@pytest.mark.parametrize(
    "target",
    [{"kind": "slack"}, {"kind": "sns"}, {"kind": "sns", "url": "env:X"}, {"kind": "teams", "topic_arn": "arn"},
     {"kind": "slack", "url": "env:X", "topic_arn": "arn"}, {"kind": "slack", "url": "plain text"},
     {"kind": "pager", "url": "env:X"}],
)  # fmt: skip
def test_a_target_that_does_not_say_where_is_refused(target: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AlertTarget.model_validate(target)


# What incidents say.

LIMITED = [replace(table, freshness=Freshness("26 hours")) for table in TABLES]
REGISTRY = Registry.of(LIMITED, {n: NetworkSettings(adapter="plain") for n in ("north", "south")}, ADAPTERS)


def ran(failed: Sequence[str] = (), good: Sequence[str] = (), blocked: Sequence[str] = ()) -> RunReport:
    """A run in which tables came out so."""
    outcomes = [TableOutcome(name, Outcome.FAILED, error="it broke", exit_code=1) for name in failed]
    outcomes += [TableOutcome(name, Outcome.BLOCKED, blocked_by=tuple(failed)) for name in blocked]
    outcomes += [TableOutcome(name, Outcome.BUILT if name == SILVER else Outcome.CURRENT) for name in good]
    return RunReport(Request("run", NOW.date(), NOW), "prod", tuple(outcomes), 1.0)


class Runs(Told):
    """Runs over one lake, whose failures are told to a listener."""

    def after(self, report: RunReport) -> list[tuple[Phase, str]]:
        """What is told after this run."""
        self.listener.told.clear()
        problems = tell_failures(self.settings, "prod", report, REGISTRY, Logs(self.store), NOW, self.listener)
        assert problems == []
        return [(phase, title) for _, phase, title in self.listener.told]


def test_the_incident_of_failed_tables_names_owners_reports_and_the_rerun(tmp_path: Path) -> None:
    impact = impact_of([SILVER], REGISTRY, Logs(Store(str(tmp_path))))
    incident = of_failures("core", impact, "prod", NOW)
    assert incident.title == "prod: silver.visit failed, 1 reports wait"
    assert (incident.owners, incident.tables, incident.reports) == (("finance",), (SILVER,), ("Charges by month",))
    assert incident.lines[-1] == "rerun: lakehouse run -s silver.visit+"
    assert of_failures("core", impact, "prod", NOW + timedelta(hours=5)).digest == incident.digest


def test_a_failure_lasts_until_a_run_looks_at_its_table_again(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    title = f"prod: {BRONZE} failed, 1 reports wait"
    assert runs.after(ran(failed=[BRONZE], blocked=[SILVER, GOLD])) == [(Phase.OPENED, title)]
    assert runs.after(ran(good=[SOUTH])) == []  # a green run of another network
    assert runs.after(ran(good=[SILVER, EPISODE, GOLD])) == []  # and of other tables
    assert runs.after(ran(failed=[BRONZE])) == []
    assert runs.after(ran(good=[BRONZE, SOUTH])) == [(Phase.OVER, f"over: {title}")]
    assert runs.after(ran(good=[BRONZE])) == []


def test_each_network_has_an_incident_of_its_own_and_silver_and_gold_one(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    told = runs.after(ran(failed=[BRONZE, SOUTH]))
    assert [title.split()[1] for _, title in told] == [BRONZE, SOUTH]
    assert runs.after(ran(failed=[SILVER], good=[BRONZE])) == [
        (Phase.OVER, f"over: {told[0][1]}"),
        (Phase.OPENED, "prod: silver.visit failed, 1 reports wait"),
    ]
    two = (Phase.CHANGED, "prod: silver.visit and 1 more failed, 1 reports wait")
    assert runs.after(ran(failed=[GOLD])) == [two]
    assert runs.after(ran(good=[GOLD], blocked=[SILVER])) == [(Phase.CHANGED, told[0][1].replace(BRONZE, SILVER))]


def test_a_failure_whose_logs_cannot_be_read_is_told(tmp_path: Path) -> None:
    log = HandLog(tmp_path, GOLD)
    log.file(log.build()).write_text("")
    runs = Runs(tmp_path)
    assert runs.after(ran(failed=[GOLD])) == [(Phase.OPENED, "prod: gold.month failed, 1 reports wait")]


def test_nothing_is_kept_of_an_incident_that_is_over(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.after(ran(failed=[BRONZE]))
    assert [f.name for f in tmp_path.joinpath(*FOLDER, RUNS).iterdir()] == ["bronze-north.json"]
    runs.after(ran(good=[BRONZE]))
    assert list(tmp_path.joinpath(*FOLDER, RUNS).iterdir()) == []


def test_many_stale_tables_of_one_cause_are_one_incident(tmp_path: Path) -> None:
    found = lake_freshness(REGISTRY, list(REGISTRY.tables), Logs(Store(str(tmp_path))), [], NOW)
    (incident,) = of_staleness(found, "prod")
    assert incident.title == "prod: silver.visit and 2 more stale, never built"
    assert f"{GOLD}: last looked at never ago" in incident.lines[2]
    assert "report 'Charges by month' (owner finance" in incident.lines[-1]


def test_feeds_of_unusual_volume_are_one_incident_apart_from_staleness() -> None:
    usual = FeedVolume(BRONZE, ("finance",), NOW.date(), 100, 100, None)
    fewer = replace(usual, rows=3, unusual=Unusual.FEWER)
    other = replace(usual, table="bronze.south_visits", owners=("audit", "finance"), unusual=Unusual.NOTHING)
    assert of_volume([usual], "prod") == []
    (incident,) = of_volume([usual, fewer, other], "prod")
    assert (incident.key, incident.owners) == ("volume", ("audit", "finance"))
    assert incident.title == f"prod: unusual volume of {BRONZE} and 1 more"
    assert incident.lines == (fewer.text, other.text)
    (later,) = of_volume([replace(fewer, rows=4, day=NOW.date() + timedelta(days=1)), other], "prod")
    assert later.digest == incident.digest  # another day of the same is nothing new
    assert of_volume([fewer], "prod")[0].digest != incident.digest


# Ways to targets.

TOLD = Message(Phase.OPENED, "prod: silver.visit failed", ("finance",), ("one", "two"))


def shapes(body: dict[str, object]) -> Sequence[str]:
    """The lines a person reads."""
    if "text" in body:
        return str(body["text"]).splitlines()
    if "attachments" in body:
        return [b["text"] for b in body["attachments"][0]["content"]["body"]]  # type: ignore[index]  # parsed JSON
    assert body["format"] == "lakehouse-alert/1"
    return [str(body["title"]), f"owners: {', '.join(body['owners'])}", *body["lines"]]  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
def test_webhooks_are_posted_in_their_form(kind: str, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", f"{webhook.url}/services/secret")
    alerts.send(AlertTarget.model_validate({"kind": kind, "url": "env:HOOK_URL"}), TOLD, 5)
    (body,) = webhook.bodies
    assert shapes(body) == [TOLD.title, "owners: finance", "one", "two"]


def test_what_a_target_refuses_is_told_without_its_url(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    for url, said in (
        (f"{webhook.url}/refuse", "it answered 404"),
        ("http://127.0.0.1:9/secret", "it does not answer"),
        ("ftp://somewhere/secret", "its URL is none"),
    ):
        monkeypatch.setenv("HOOK_URL", url)
        with pytest.raises(AlertError, match=said) as refusal:
            alerts.send(HOOK, TOLD, 2)
        assert url not in str(refusal.value)


def test_sns_carries_the_message(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    sns, sqs = (boto3.client(name, region_name=REGION) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="claims")["TopicArn"]
    queue = sqs.create_queue(QueueName="claims")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alerts.send(AlertTarget(kind="sns", topic_arn=topic), TOLD, 5)
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(received["Body"])
    assert (body["Subject"], body["Message"].splitlines()) == (
        TOLD.title,
        [TOLD.title, "owners: finance", "one", "two"],
    )
    with pytest.raises(AlertError, match="SNS: NotFound"):
        alerts.send(AlertTarget(kind="sns", topic_arn=f"{topic}-gone"), TOLD, 5)


def test_what_was_told_stands_in_the_lake(tmp_path: Path) -> None:
    Told(tmp_path).now(FAILED)
    (file,) = tmp_path.joinpath(*FOLDER, RUNS).iterdir()
    assert json.loads(file.read_text()) == {
        "title": FAILED.title, "tables": list(FAILED.tables), "digests": {"HOOK": FAILED.digest}
    }  # fmt: skip
