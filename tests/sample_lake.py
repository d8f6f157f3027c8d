"""A real lake over a folder of sample deliveries, for tests of everything from files to Gold."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from builders import QUICK_SPARK
from lakehouse.engine.run import Run, RunReport
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, PrivacySettings, Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry

LOGICAL_DATE = date(2026, 11, 22)
TOKEN_KEY_NAME = "SAMPLE_TOKEN_KEY"
FILES_WRITTEN_AT = 1_790_000_000


def sample_folder(name: str) -> Path:
    """Folder of a sample beside the checkout, or below the folder that LAKEHOUSE_SHARED_DATA names."""
    return Path(os.environ.get("LAKEHOUSE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")) / name


def copied_drops(sample: Path, folder: Path) -> Path:
    """`folder`, filled with the sample's CSV files under their own names."""
    for file in sample.glob("*.csv"):
        shutil.copyfile(file, folder / file.name)
        os.utime(folder / file.name, (FILES_WRITTEN_AT, FILES_WRITTEN_AT))
    return folder


@dataclass
class SampleLake:
    """A lake of one network over a folder of deliveries.

    The variable `TOKEN_KEY_NAME` must hold a member token key.

    Attributes:
        network_name: name of the network.
        network: its settings, with the folder as root.
    """

    spark: SparkSession
    folder: Path
    network_name: str
    network: NetworkSettings

    @property
    def settings(self) -> Settings:
        privacy = PrivacySettings(member_token_key=f"env:{TOKEN_KEY_NAME}")
        lake = LakeSettings(root=str(self.folder))
        return Settings(
            env="test", lake=lake, privacy=privacy, networks={self.network_name: self.network}, spark=QUICK_SPARK
        )

    def run(self, run_id: str, *, may_start_spark: bool = True) -> tuple[Run, RunReport]:
        def start() -> SparkSession:
            assert may_start_spark, "Spark was started though nothing was due"
            return self.spark

        settings = self.settings
        registry = Registry.discover(settings.networks)
        request = Request(run_id, LOGICAL_DATE, datetime(2026, 11, 22, tzinfo=UTC))
        with Run(settings, registry, request, start) as run:
            report = run.execute(list(registry.tables))
        assert [o.error for o in report.failed] == []
        return run, report

    def versions(self) -> dict[str, int]:
        return {p.parent.parent.name + "." + p.parent.name: len(list(p.glob("*.json"))) for p in self.logs()}

    def logs(self) -> Sequence[Path]:
        return sorted(self.folder.glob("*/*/_delta_log"))

    def rows(self, name: str) -> list[Mapping[str, object]]:
        frame = self.spark.read.format("delta").load(str(self.folder / name.replace(".", "/")))
        technical = [c for c in frame.columns if c.startswith("_") and c != "_period"]
        return sorted(
            (r.asDict() for r in frame.drop(*technical).collect()), key=lambda r: [str(v) for v in r.values()]
        )


def failed_rows(report: RunReport, table: str) -> dict[str, int]:
    """How many rows broke each rule of `table` in the run."""
    result = next(o.result for o in report.outcomes if o.table == table)
    assert result is not None
    return {check.name: check.failed for check in result.checks}
