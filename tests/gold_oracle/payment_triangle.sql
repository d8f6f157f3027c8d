SELECT service_month, network, payer_code,
    greatest(datediff('month', service_month, remit_date), 0) AS lag_month,
    coalesce(sum(paid) FILTER (has_come(remit_date)), 0) AS paid_amount
FROM posted GROUP BY ALL
