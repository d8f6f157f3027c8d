-- A photograph of the day. Credits are in a bucket of their own, whatever their age.
WITH open_claim AS (
    SELECT c.network,
        CASE WHEN name_key(owing_payer_name) IS NULL OR name_key(owing_payer_name) = name_key(payer_name) THEN payer_code
            ELSE payer_of(owing_payer_name) END AS payer_code,
        in_denial + open_left + credit AS open_amount,
        greatest(patient_responsibility_amount - patient_paid_amount, 0) AS patient_open_amount,
        map {'service': coalesce(discharge_date, service_to_date, service_from_date), 'submission': submitted_date} AS bases
    FROM claim_owed c JOIN sender s USING (network)
    WHERE s.has_receivables AND has_come(service_from_date)),
aged AS (
    SELECT * EXCLUDE (bases), unnest(map_keys(bases)) AS date_basis,
        getvariable('as_of') - unnest(map_values(bases)) AS age
    FROM open_claim WHERE open_amount <> 0 OR patient_open_amount <> 0),
placed AS (
    SELECT *, CASE WHEN open_amount < 0 THEN 'credit' WHEN age IS NULL THEN 'unknown' WHEN age > 120 THEN '120+'
        WHEN age > 90 THEN '91-120' WHEN age > 60 THEN '61-90' WHEN age > 30 THEN '31-60' ELSE '0-30' END AS bucket
    FROM aged)
SELECT getvariable('as_of') AS as_of_date, date_basis, network, payer_code, bucket,
    count(*) AS claim_count, sum(open_amount) AS open_amount, sum(patient_open_amount) AS patient_open_amount,
    coalesce(sum(open_amount) FILTER (age > 90 AND open_amount >= 0), 0) AS over_90_amount
FROM placed GROUP BY ALL
