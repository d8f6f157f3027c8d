SELECT month_of(initially_denied_date) AS initially_denied_month, network, payer_code, group_code, carc, category,
    coalesce(is_preventable, false) AS is_preventable,
    count(*) FILTER (has_come(initially_denied_date)) AS claim_count,
    coalesce(sum(line_count) FILTER (has_come(initially_denied_date)), 0) AS line_count,
    coalesce(sum(denied) FILTER (has_come(initially_denied_date)), 0) AS denied_amount,
    coalesce(sum(denied - still_denied) FILTER (has_come(initially_denied_date)), 0) AS overturned_amount,
    coalesce(sum(still_denied) FILTER (has_come(initially_denied_date) AND NOT is_final_now), 0) AS open_amount,
    coalesce(sum(still_denied) FILTER (has_come(initially_denied_date) AND is_final_now), 0) AS finally_denied_amount
FROM denial_reason GROUP BY ALL
