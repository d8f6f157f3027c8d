-- Straight from payments. A remittance of a claim that has not come is unmatched, one outside of any claim provider-level.
WITH unmatched AS (
    SELECT s.network, s.remit_date, payer_of(s.payer_name) AS payer_code, s.paid
    FROM said s LEFT JOIN claim c USING (network, claim_id)
    WHERE s.line IS NULL AND c.claim_id IS NULL),
provider_level AS (
    SELECT network, remit_date, payer_of(payer_name) AS payer_code, coalesce(paid_amount, 0) AS paid
    FROM payment WHERE payment_kind = 'provider_level'),
every AS (
    SELECT network, remit_date, posting_payer_code AS payer_code, paid, if(is_reversal, 'reversed', 'paid') AS kind FROM posted
    UNION ALL SELECT *, 'unmatched' FROM unmatched
    UNION ALL SELECT *, 'provider level' FROM provider_level),
by_kind AS (
    SELECT month_of(remit_date) AS remit_month, network, payer_code,
        count(*) FILTER (has_come(remit_date) AND kind = 'paid') AS payment_count,
        count(*) FILTER (has_come(remit_date) AND kind = 'reversed') AS reversal_count,
        coalesce(sum(paid) FILTER (has_come(remit_date) AND kind = 'paid'), 0) AS paid_amount,
        coalesce(sum(paid) FILTER (has_come(remit_date) AND kind = 'reversed'), 0) AS reversed_amount,
        coalesce(sum(paid) FILTER (has_come(remit_date) AND kind = 'provider level'), 0) AS provider_level_amount,
        coalesce(sum(paid) FILTER (has_come(remit_date) AND kind = 'unmatched'), 0) AS unmatched_amount
    FROM every GROUP BY ALL)
SELECT remit_month, network, payer_code, payment_count, reversal_count, paid_amount, reversed_amount,
    paid_amount + reversed_amount AS net_paid_amount, provider_level_amount, unmatched_amount
FROM by_kind
