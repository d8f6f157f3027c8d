"""Incidents told to people: once when they begin, again when what they touch changes, and when they are over.

What was told to whom stands in `ops/alerts/<source>.json` of the lake, so that runs on other machines do not repeat it.
A message holds names, counts and times only. A target that does not answer is told the next time; it never fails a run.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any  # parsed JSON

from lakehouse.engine.impact import Impact, message
from lakehouse.errors import LakehouseError, describe
from lakehouse.operate.freshness import LakeFreshness, age_text
from lakehouse.operate.volume import FeedVolume
from lakehouse.settings_alerts import AlertSettings, AlertTarget
from lakehouse.storage.messages import post_json, publish
from lakehouse.storage.secrets import resolve
from lakehouse.storage.store import Store

FOLDER = ("ops", "alerts")
FORMAT = "lakehouse-alert/1"
RUNS, FRESHNESS = "runs", "freshness"


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
        about: what must change for it to be told again; ages and counts are no part of it.
    """

    key: str
    title: str
    owners: tuple[str, ...]
    lines: tuple[str, ...]
    about: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Equal as long as nothing changes."""
        return hashlib.sha256(json.dumps(self.about).encode()).hexdigest()[:16]


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
        digests: target -> digest it was told last.
    """

    title: str
    digests: Mapping[str, str]


Post = Callable[[AlertTarget, Message, float], None]


def of_failures(impact: Impact | None, env: str, now: datetime) -> list[Incident]:
    """The incident of a run with failures: one, whatever number of tables failed; none of a good run."""
    if impact is None:
        return []
    owners = tuple(sorted({t.report.owner for t in impact.reports}))
    about = (*impact.origins, *(t.report.name for t in impact.reports))
    title = f"{env}: {_several(impact.origins)} failed, {len(impact.reports)} reports wait"
    return [Incident("failed", title, owners, tuple(message(impact, now)), about)]


def of_staleness(found: LakeFreshness, env: str) -> list[Incident]:
    """One incident for each cause that makes tables stale."""
    incidents = []
    for cause in dict.fromkeys(t.cause for t in found.stale if t.cause is not None):
        tables = [t for t in found.stale if t.cause is cause]
        names = [t.table for t in tables]
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
        about = (*names, *(r.report.name for r in reports))
        title = f"{env}: {_several(names)} stale, {cause}"
        incidents.append(Incident(f"stale: {cause}", title, owners, tuple(lines), about))
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


def tell_incidents(
    settings: AlertSettings, store: Store, source: str, incidents: Sequence[Incident], post: Post | None = None
) -> list[str]:
    """Tell every target what it does not know yet; returns what could not be told, in words.

    Args:
        settings: the targets.
        store: of the lake.
        source: who found the incidents, `runs` or `freshness`; each knows only its own.
        incidents: all that last now; what was told before and is not among them is over.
        post: sends one message; another one for tests.
    """
    if not settings.targets:
        return []
    file = (*FOLDER, f"{source}.json")
    before = _read(store, file)
    lasting = {i.key: i for i in incidents}
    after: dict[str, Told] = {}
    problems: list[str] = []
    for key in dict.fromkeys([*before, *lasting]):
        known, incident = before.get(key, Told("", {})), lasting.get(key)
        digests = dict(known.digests)
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
        if incident is not None or digests:
            after[key] = Told(incident.title if incident else known.title, digests)
    if after != before:
        text = json.dumps({key: asdict(told) for key, told in after.items()}, sort_keys=True)
        store.write(text.encode(), *file)
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


def _read(store: Store, file: tuple[str, ...]) -> dict[str, Told]:
    if file[-1] not in store.names(*file[:-1]):
        return {}
    read: dict[str, Any] = json.loads(store.read(*file))
    return {key: Told(told["title"], told["digests"]) for key, told in read.items()}


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
