"""The answer key worked out a second time, in SQL that shares nothing with the key or the pipeline.

Revenue by payer of plain claims, which are families of their own that nobody denied and whose payments nobody took
back; and over all claims what was charged, paid and denied.
"""

from collections.abc import Mapping
from datetime import date

import duckdb

from lakehouse.demo.directory import PAYER_NAMES
from lakehouse.demo.revenue import RevenueKey, RevenueRow

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
create table remittance as select claim_id, remittance_id, max(payer_sequence) seq, max(remit_date) remit_date,
    max(trace_number) trace_number,
    coalesce(sum(money(allowed_amount)) filter (payment_level = 'claim'), sum(money(allowed_amount))) allowed,
    coalesce(sum(money(paid_amount)) filter (payment_level = 'claim'), sum(money(paid_amount))) paid,
    coalesce(sum(money(patient_responsibility_amount)) filter (payment_level = 'claim'),
        sum(money(patient_responsibility_amount))) patient
    from payment where payment_kind = 'payer' group by all;
create table told_once as select * exclude (n) from (select *, row_number() over
    (partition by claim_id, trace_number order by remittance_id) n from remittance) where n = 1;
create table answered as select claim_id, sum(paid) paid, sum(patient) filter (seq = last_seq) patient,
    sum(allowed) filter (seq = last_seq) allowed
    from (select *, max(seq) over (partition by claim_id) last_seq from told_once) group by all;
create table reason as select p.claim_id, p.remittance_id, p.remit_date, money(a.amount) amount,
    coalesce(upper(text_of(a.group_code)), regexp_extract(upper(a.reason_code), '^(CO|PR|OA)', 1)) || '-' ||
    regexp_replace(upper(a.reason_code), '^((CO|PR|OA)-?)?0*([A-Z]?[0-9]+)$', '\\3') code
    from adjustment a join payment p using (payment_id) where payment_kind = 'payer';
create table plain as select claim_id from claim c where coalesce(text_of(frequency_code), '1') = '1'
    and claim_id not in (select replaces_claim_id from claim where text_of(replaces_claim_id) is not null)
    and claim_id not in (select claim_id from reason
        where code not in ('CO-45', 'CO-ZZ7', 'PR-1', 'PR-2', 'PR-3', 'OA-23'))
    and claim_id not in (select claim_id from payment where payment_kind = 'payer' and claim_id is not null
        group by claim_id having count(*) filter (remit_status_code = '22') * 2 >= count(*))
    and claim_id not in (select claim_id from remittance group by claim_id, trace_number having count(*) > 1);
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
    coalesce(a.patient, own_patient, p.paid, 0) patient, coalesce(billed - coalesce(own.allowed, a.allowed), 0)
    contractual, coalesce(own.allowed, a.allowed) known_allowed
    from own left join answered a using (claim_id) left join by_patient p using (claim_id);
"""
PLAIN = """
select service_month, '{network}', payer_code, count(*), sum(line_count),
    sum(billed), coalesce(sum(known_allowed), 0), sum(paid), sum(patient), sum(patient_paid), sum(contractual),
    sum(if(rest > 0 and is_capitated, rest, 0)), sum(if(rest > 0 and not is_capitated and not is_closed, rest, 0)),
    sum(if(rest > 0 and not is_capitated and is_closed, rest, 0)), sum(if(rest < 0, rest, 0))
    from (select *, billed - paid - patient - contractual rest,
        coalesce(payment_arrangement = 'capitated', false) is_capitated from settled join plain using (claim_id))
    group by all order by all;
"""
TOTALS = """
select (select sum(billed) from own join claim c using (claim_id) where coalesce(c.frequency_code, '1') <> '8'
        and claim_id not in (select replaces_claim_id from claim
            where frequency_code in ('7', '8') and text_of(replaces_claim_id) is not null)),
    (select sum(paid) from settled),
    (select coalesce(sum(amount), 0) from reason join claim using (claim_id)
        join (select claim_id, max(remit_date) remit_date from remittance group by all) using (claim_id, remit_date)
        where code in ('CO-29', 'CO-97', 'CO-NOAUTH', 'CO-NOREF', 'CO-D-16', 'CO-16', 'CO-ZZ8'))
"""


def stranger() -> duckdb.DuckDBPyConnection:
    """A database that knows payer names and how to read texts, and no rows yet."""
    connection = duckdb.connect()
    connection.execute("create table payer_names (payer_name varchar, payer_code varchar)")
    connection.executemany("insert into payer_names values (?, ?)", [list(pair) for pair in PAYER_NAMES])
    connection.execute(READ)
    return connection


def settle(connection: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Work out the tables `claim`, `line`, `payment` and `adjustment`, whose columns are text."""
    connection.execute(SETTLE.format(as_of=as_of))


def plain_claims(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Ids of the claims that `plain_revenue` is about."""
    return {claim_id for (claim_id,) in connection.execute("select claim_id from plain").fetchall()}


def plain_revenue(connection: duckdb.DuckDBPyConnection, network: str) -> list[tuple[object, ...]]:
    """Rows of gold.revenue_by_payer of the plain claims alone."""
    return connection.execute(PLAIN.format(network=network)).fetchall()


def totals(connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
    """Charged, paid and denied, over all claims; US dollars."""
    (found,) = connection.execute(TOTALS).fetchall()
    return found


def totals_of(revenue: Mapping[RevenueKey, RevenueRow]) -> tuple[object, ...]:
    """The key's totals in the form of `totals`."""
    rows = revenue.values()
    return (
        sum(row.billed_amount for row in rows),
        sum(row.paid_amount for row in rows),
        sum(row.denied_amount + row.outstanding_in_denial_amount for row in rows),
    )


def rows_of(revenue: Mapping[RevenueKey, RevenueRow]) -> list[tuple[object, ...]]:
    """The key's rows in the form of `plain_revenue`."""
    return [
        (*group, row.claim_count, row.line_count, *(getattr(row, column) for column in AMOUNTS))
        for group, row in revenue.items()
    ]
