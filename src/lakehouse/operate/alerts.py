"""Incidents told to people: once when they begin, again when what they touch changes, and when they are over.

What was told to whom stands in the lake, a file for each incident in `ops/alerts/<source>`, so that runs on other
machines do not repeat it. A message holds names, counts, sums and times only. A target that does not answer is told the
next time; it never fails a run.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any  # parsed JSON

from lakehouse.engine.impact import Impact, impact_of, message
from lakehouse.engine.leases import lease_of, leases_of
from lakehouse.engine.run import Outcome, RunReport
from lakehouse.errors import LakehouseError, describe
from lakehouse.operate.freshness import LakeFreshness, age_text
from lakehouse.operate.volume import FeedVolume
from lakehouse.settings_alerts import AlertSettings, AlertTarget
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.messages import post_json, publish
from lakehouse.storage.secrets import resolve
from lakehouse.storage.store import Store

FOLDER = ("ops", "alerts")
FORMAT = "lakehouse-alert/1"
RUNS, FRESHNESS = "runs", "freshness"
_GOOD = (Outcome.BUILT, Outcome.MARKED, Outcome.CURRENT)


class Phase(StrEnum):
    """Where an incident stands."""

    OPENED = "opened"
    CHANGED = "changed"
    OVER = "over"


@dataclass(frozen=True)
class Incident:
    """Something that people have to know of.

    Attributes:
        key: names it as long as it lasts.
        title: one line.
        owners: of the reports it touches.
        lines: what it touches and what to do.
        tables: that went wrong; of a feed's volume with what is unusual of it.
        reports: names of those it touches.
    """

    key: str
    title: str
    owners: tuple[str, ...]
    lines: tuple[str, ...]
    tables: tuple[str, ...]
    reports: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Equal as long as the same tables and reports are concerned; ages and counts are no part of it."""
        return hashlib.sha256(json.dumps([self.tables, self.reports]).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Message:
    """What a target is told of one incident."""

    phase: Phase
    title: str
    owners: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What is remembered of an incident that lasts.

    Attributes:
        title: to name it when it is over.
        tables: that went wrong.
        digests: target -> digest it was told last.
    """

    title: str = ""
    tables: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


Post = Callable[[AlertTarget, Message, float], None]


def of_failures(key: str, impact: Impact, env: str, now: datetime) -> Incident:
    """The incident of tables whose builds fail: one, whatever their number."""
    owners = tuple(sorted({t.report.owner for t in impact.reports}))
    reports = tuple(t.report.name for t in impact.reports)
    title = f"{env}: {_several(impact.origins)} failed, {len(reports)} reports wait"
    return Incident(key, title, owners, tuple(message(impact, now)), impact.origins, reports)


def of_staleness(found: LakeFreshness, env: str) -> list[Incident]:
    """One incident for each cause that makes tables stale."""
    incidents = []
    for cause in dict.fromkeys(t.cause for t in found.stale if t.cause is not None):
        tables = [t for t in found.stale if t.cause is cause]
        names = tuple(t.table for t in tables)
        reports = [r for r in found.reports if any(t.table in names for t in r.stale)]
        lines = [
            f"{t.table}: last looked at {age_text(t.confirmed_at, found.at)} ago, newest delivery "
            f"{age_text(t.delivered_at, found.at)} ago"
            for t in tables
        ]
        lines += [
            f"report {r.report.name!r} (owner {r.report.owner}, due {r.due_at:%Y-%m-%d %H:%M} UTC) is stale"
            for r in reports
        ]
        owners = tuple(sorted({r.report.owner for r in reports}))
        title = f"{env}: {_several(names)} stale, {cause}"
        told = tuple(r.report.name for r in reports)
        incidents.append(Incident(cause.name.lower(), title, owners, tuple(lines), names, told))
    return incidents


def of_volume(volumes: Sequence[FeedVolume], env: str) -> list[Incident]:
    """The incident of feeds that delivered unusually much or little: one, whatever their number."""
    unusual = [v for v in volumes if v.unusual is not None]
    if not unusual:
        return []
    owners = tuple(sorted({owner for v in unusual for owner in v.owners}))
    about = tuple(f"{v.table}: {v.unusual}" for v in unusual)
    title = f"{env}: unusual volume of {_several([v.table for v in unusual])}"
    return [Incident("volume", title, owners, tuple(v.text for v in unusual), about)]


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def tell_failures(
    settings: AlertSettings,
    env: str,
    report: RunReport,
    registry: Registry,
    logs: Logs,
    now: datetime,
    post: Post | None = None,
) -> list[str]:
    """Tell every target which failures began, changed or ended with a run; returns what could not be told, in words.

    The failures under one lease are one incident. A table's failure lasts until a run builds that table or finds it
    current; a run that did not look at it ends nothing. The run must still hold its leases.
    """
    if not settings.targets:
        return []
    failed = {o.table for o in report.failed}
    good = {o.table for o in report.outcomes if o.outcome in _GOOD}
    problems: list[str] = []
    for lease in leases_of(registry, [o.table for o in report.outcomes]):
        known = _read(logs.store, RUNS, lease)
        bad = (failed | {*known.tables}) - good
        lasting = [name for name in registry.tables if name in bad and lease_of(registry, name) == lease]
        incident = of_failures(lease, impact_of(lasting, registry, logs), env, now) if lasting else None
        problems += _tell(settings, logs.store, RUNS, lease, incident, post)
    return problems


def tell_freshness(
    settings: AlertSettings, env: str, store: Store, found: LakeFreshness, volumes: Sequence[FeedVolume]
) -> list[str]:
    """Tell every target what of the whole lake is stale or of unusual volume, and what is so no more; returns what
    could not be told, in words."""
    return tell_incidents(settings, store, FRESHNESS, [*of_staleness(found, env), *of_volume(volumes, env)])


def tell_incidents(
    settings: AlertSettings, store: Store, source: str, incidents: Sequence[Incident], post: Post | None = None
) -> list[str]:
    """Tell every target what it does not know yet; returns what could not be told, in words.

    Args:
        settings: the targets.
        store: of the lake.
        source: who found the incidents; each knows only its own.
        incidents: all that last now; what was told before and is not among them is over.
        post: sends one message; another one for tests.
    """
    if not settings.targets:
        return []
    lasting = {i.key: i for i in incidents}
    known = [name.removesuffix(".json") for name in store.names(*FOLDER, source)]
    problems: list[str] = []
    for key in dict.fromkeys([*known, *lasting]):
        problems += _tell(settings, store, source, key, lasting.get(key), post)
    return problems


def _tell(
    settings: AlertSettings, store: Store, source: str, key: str, incident: Incident | None, post: Post | None
) -> list[str]:
    """Tell every target of one incident, or (None) that it is over, and remember it."""
    known = _read(store, source, key)
    digests = {name: digest for name, digest in known.digests.items() if name in settings.targets}
    problems = []
    for name, target in settings.targets.items():
        due = _due(incident, known, name)
        if due is None:
            continue
        try:
            (post or send)(target, due, settings.timeout_seconds)
        except LakehouseError as error:
            problems.append(f"alert target {name}: {error}")
        except Exception as error:  # whatever a target does, the run goes on
            problems.append(f"alert target {name}: {describe(error)}")
        else:
            digests.pop(name, None)
            if incident is not None:
                digests[name] = incident.digest
    after = Told(known.title, (), digests) if incident is None else Told(incident.title, incident.tables, digests)
    if incident is None and not digests:
        if known != Told():
            store.remove(*_file(source, key))
    elif after != known:
        store.write(json.dumps(asdict(after), sort_keys=True).encode(), *_file(source, key))
    return problems


def _due(incident: Incident | None, known: Told, target: str) -> Message | None:
    """What the target is to be told now, if anything."""
    told = known.digests.get(target)
    if incident is None:
        return Message(Phase.OVER, f"over: {known.title}", (), ()) if told is not None else None
    if told == incident.digest:
        return None
    phase = Phase.OPENED if told is None else Phase.CHANGED
    return Message(phase, incident.title, incident.owners, incident.lines)


def _file(source: str, key: str) -> tuple[str, ...]:
    return (*FOLDER, source, f"{re.sub('[^a-z0-9_]+', '-', key)}.json")


def _read(store: Store, source: str, key: str) -> Told:
    *folder, name = _file(source, key)
    if name not in store.names(*folder):
        return Told()
    read: dict[str, Any] = json.loads(store.read(*folder, name))
    return Told(read["title"], tuple(read["tables"]), read["digests"])


def send(target: AlertTarget, told: Message, timeout_seconds: float) -> None:
    """Post one message.

    Raises:
        AlertError: the target refuses it or does not answer.
        SettingsError: its URL is not to be had.
    """
    if target.kind == "sns":
        publish(str(target.topic_arn), told.title, text_of(told))
    else:
        post_json(resolve(str(target.url)), payload(target.kind, told), timeout_seconds)


def payload(kind: str, told: Message) -> dict[str, object]:
    """The JSON that a webhook of this kind takes."""
    if kind == "slack":
        return {"text": text_of(told)}
    if kind == "teams":
        head = {"type": "TextBlock", "text": told.title, "weight": "Bolder", "wrap": True}
        lines = [{"type": "TextBlock", "text": line, "wrap": True} for line in _lines(told)]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": [head, *lines]}
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [attachment]}
    return {"format": FORMAT, **asdict(told)}


def text_of(told: Message) -> str:
    """The message in lines."""
    return "\n".join([told.title, *_lines(told)])


def _lines(told: Message) -> list[str]:
    owners = [f"owners: {', '.join(told.owners)}"] if told.owners else []
    return [*owners, *told.lines]
