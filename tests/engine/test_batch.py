"""Ids of batches."""

from lakehouse.engine.batch import id_of


def test_a_batch_keeps_its_id_through_every_retry() -> None:
    assert id_of("bronze.a", 3, "x.csv", "sum") == id_of("bronze.a", 3, "x.csv", "sum")


def test_a_batch_id_differs_by_table_source_content_and_landing() -> None:
    ids = {
        id_of("bronze.a", 3, "x.csv", "10", "sum"),
        id_of("bronze.b", 3, "x.csv", "10", "sum"),
        id_of("bronze.a", 3, "y.csv", "10", "sum"),
        id_of("bronze.a", 3, "x.csv", "11", "sum"),
        id_of("bronze.a", 3, "x.csv", "10", "other sum"),
        id_of("bronze.a", 4, "x.csv", "10", "sum"),
    }
    assert len(ids) == 6
