-- Every lag up to the age of the month, or to its last posting. Completeness is of months at least 12 and so many old.
WITH cell AS (
    SELECT service_month, network, payer_code, greatest(datediff('month', service_month, remit_date), 0) AS lag,
        if(has_come(remit_date), paid, 0) AS paid, datediff('month', service_month, getvariable('as_of')) AS age
    FROM posted WHERE month_of(service_month) <= getvariable('as_of')),
month AS (
    SELECT service_month, network, payer_code, age, unnest(range(greatest(age, max(lag)) + 1)) AS lag_month
    FROM cell GROUP BY service_month, network, payer_code, age),
reached AS (
    SELECT m.*, coalesce(sum(c.paid) FILTER (c.lag = m.lag_month), 0) AS paid_amount,
        coalesce(sum(c.paid) FILTER (c.lag <= m.lag_month), 0) AS until_then,
        coalesce(sum(c.paid) FILTER (c.lag <= 12), 0) AS until_12
    FROM month m JOIN cell c USING (service_month, network, payer_code, age) GROUP BY ALL),
pooled AS (
    SELECT network, payer_code, lag_month, rate(sum(until_then), sum(until_12)) AS completeness
    FROM reached WHERE age >= 12 AND age >= lag_month GROUP BY ALL)
SELECT service_month, network, payer_code, lag_month, paid_amount, until_then AS cumulative_paid_amount, completeness
FROM reached LEFT JOIN pooled USING (network, payer_code, lag_month)
