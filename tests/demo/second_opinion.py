"""Revenue by payer worked out a second time, in SQL that shares nothing with the answer key or the pipeline."""

from collections.abc import Mapping
from datetime import date

import duckdb

from lakehouse.demo.answers import RevenueKey, RevenueRow
from lakehouse.demo.directory import PAYER_NAMES

AMOUNTS = (
    "billed_amount",
    "allowed_amount",
    "paid_amount",
    "patient_responsibility_amount",
    "patient_paid_amount",
    "contractual_amount",
    "encounter_amount",
    "outstanding_amount",
    "residual_amount",
    "credit_amount",
)

# Reads rows as a stranger would: text columns, own parsing, own arithmetic.
READ = """
create macro text_of(t) as nullif(trim(t), '');
create macro bare(t) as replace(replace(text_of(t), '$', ''), ',', '');
create macro money(t) as try_cast(case when bare(t) like '(%)' then '-' || trim(bare(t), '()') else bare(t) end
    as decimal(14, 2));
create macro bad_money(t) as text_of(t) is not null and money(t) is null;
create macro bad_date(t) as text_of(t) is not null and try_cast(t as date) is null;
"""
SETTLE = """
create table remittance as select claim_id, remittance_id, max(payer_sequence) seq,
    coalesce(sum(money(paid_amount)) filter (payment_level = 'claim'), sum(money(paid_amount))) paid,
    coalesce(sum(money(patient_responsibility_amount)) filter (payment_level = 'claim'),
        sum(money(patient_responsibility_amount))) patient
    from payment where payment_kind = 'payer' group by all;
create table answered as select claim_id, sum(paid) paid, sum(patient) filter (seq = last_seq) patient
    from (select *, max(seq) over (partition by claim_id) last_seq from remittance) group by all;
create table by_line as select claim_id, count(*) line_count, sum(money(billed_amount)) billed,
    sum(money(allowed_amount)) allowed, sum(money(paid_amount)) paid, sum(money(patient_responsibility_amount)) patient
    from line group by all;
create table by_patient as select claim_id, sum(money(patient_paid_amount)) paid
    from payment where payment_kind = 'patient' group by all;
create table own as select c.claim_id, date_trunc('month', service_from_date::date)::date service_month,
    coalesce(m.payer_code, '?') payer_code, coalesce(line_count, 0) line_count, c.payment_arrangement,
    coalesce(is_closed = 'true' and closed_date::date <= date '{as_of}', false) is_closed,
    coalesce(if(money_level = 'line', l.billed, null), money(c.billed_amount)) billed,
    coalesce(if(money_level = 'line', l.allowed, null), money(c.allowed_amount)) allowed,
    coalesce(if(money_level = 'line', l.paid, null), money(c.paid_amount)) own_paid,
    coalesce(if(money_level = 'line', l.patient, null), money(c.patient_responsibility_amount)) own_patient
    from claim c left join by_line l using (claim_id)
    left join payer_names m on m.payer_name = coalesce(text_of(c.payer_name), '');
create table settled as select own.*, coalesce(p.paid, 0) patient_paid,
    if(a.claim_id is null, coalesce(own_paid, 0), a.paid) paid,
    coalesce(a.patient, own_patient, p.paid, 0) patient, coalesce(billed - allowed, 0) contractual
    from own left join answered a using (claim_id) left join by_patient p using (claim_id);
select service_month, '{network}', payer_code, count(*), sum(line_count),
    sum(billed), coalesce(sum(allowed), 0), sum(paid), sum(patient), sum(patient_paid), sum(contractual),
    sum(if(rest > 0 and is_capitated, rest, 0)), sum(if(rest > 0 and not is_capitated and not is_closed, rest, 0)),
    sum(if(rest > 0 and not is_capitated and is_closed, rest, 0)), sum(if(rest < 0, rest, 0))
    from (select *, billed - paid - patient - contractual rest,
        coalesce(payment_arrangement = 'capitated', false) is_capitated from settled)
    group by all order by all;
"""


def stranger() -> duckdb.DuckDBPyConnection:
    """A database that knows payer names and how to read texts, and no rows yet."""
    connection = duckdb.connect()
    connection.execute("create table payer_names (payer_name varchar, payer_code varchar)")
    connection.executemany("insert into payer_names values (?, ?)", [list(pair) for pair in PAYER_NAMES])
    connection.execute(READ)
    return connection


def settled(connection: duckdb.DuckDBPyConnection, network: str, as_of: date) -> list[tuple[object, ...]]:
    """Rows of gold.revenue_by_payer from the tables `claim`, `line` and `payment`, whose columns are text."""
    return connection.execute(SETTLE.format(network=network, as_of=as_of)).fetchall()


def rows_of(revenue: Mapping[RevenueKey, RevenueRow]) -> list[tuple[object, ...]]:
    """The key's rows in the form of `settled`."""
    return [
        (*group, row.claim_count, row.line_count, *(getattr(row, column) for column in AMOUNTS))
        for group, row in revenue.items()
    ]
