-- A claim that was decided on no known day is in no month. Peers are the providers of the same month, network and specialty; what is expected of one comes from the others alone.
WITH first_decision AS (
    SELECT network, family_id, bool_and(has_evidence) AS has_evidence,
        bool_or(first_outcome IS NOT NULL) AS is_known, bool_or(first_outcome IN ('full', 'partial')) IS TRUE AS is_denied
    FROM slot_decision GROUP BY ALL),
claims AS (
    SELECT month_of(first_adjudicated_date) AS adjudication_month, c.network, payer_code, has_evidence,
        coalesce(rendering_provider_id, 'UNKNOWN') AS provider, coalesce(attributed_specialty, 'UNKNOWN') AS specialty,
        has_come(first_adjudicated_date) AS is_decided,
        line_count, billed_amount, paid_amount, is_known, is_denied,
        version_count > live_claim_count AS was_changed,
        if(has_come(first_paid_date), first_paid_date - submitted_date, NULL) AS days_to_pay,
        if(s.has_receivables
            AND getvariable('as_of') - coalesce(discharge_date, service_to_date, service_from_date) > 90,
            in_denial + open_left, 0) AS old_amount
    FROM claim_owed c JOIN first_decision d USING (network, family_id) JOIN sender s USING (network, has_evidence)
    WHERE NOT is_void_family AND first_adjudicated_date IS NOT NULL),
specialties AS (
    SELECT adjudication_month, network, provider, specialty, count(*) FILTER (is_decided) AS n FROM claims GROUP BY ALL),
grouped AS (
    SELECT adjudication_month, network, provider, arg_min(specialty, (-n, specialty)) AS peer_group
    FROM specialties GROUP BY ALL),
mix AS (
    SELECT adjudication_month, network, peer_group, provider, payer_code,
        count(*) FILTER (is_decided AND is_known) AS n, count(*) FILTER (is_decided AND is_known AND is_denied) AS denied
    FROM claims JOIN grouped USING (adjudication_month, network, provider) GROUP BY ALL),
compared AS (
    SELECT o.adjudication_month, o.network, o.provider, o.payer_code, o.n, sum(p.n) AS peer_n, sum(p.denied) AS peer_denied
    FROM mix o JOIN mix p USING (adjudication_month, network, peer_group, payer_code)
    WHERE o.provider <> p.provider GROUP BY ALL HAVING sum(p.n) > 0),
expected AS (
    SELECT adjudication_month, network, provider,
        rate(sum(n * ratio(peer_denied, peer_n, 1000000000000)::DECIMAL(20, 0)) , sum(n) * 1000000000000) AS expected_rate
    FROM compared GROUP BY ALL),
score AS (
    SELECT adjudication_month, network, provider, peer_group, has_evidence,
        count(*) FILTER (is_decided) AS claims,
        coalesce(sum(line_count) FILTER (is_decided), 0) AS lines,
        coalesce(sum(billed_amount) FILTER (is_decided), 0) AS billed,
        coalesce(sum(paid_amount) FILTER (is_decided), 0) AS paid,
        count(*) FILTER (is_decided AND is_known) AS known,
        count(*) FILTER (is_decided AND is_known AND is_denied) AS denied,
        count(*) FILTER (is_decided AND is_known AND NOT is_denied AND NOT was_changed) AS first_pass,
        count(days_to_pay) FILTER (is_decided) AS paid_claims,
        median(days_to_pay) FILTER (is_decided) AS days,
        coalesce(sum(old_amount) FILTER (is_decided), 0) AS old
    FROM claims JOIN grouped USING (adjudication_month, network, provider) GROUP BY ALL),
peers AS (
    SELECT a.adjudication_month, a.network, a.provider,
        rate(count(*) FILTER (b.denied * a.known < a.denied * b.known), count(*)) AS percentile
    FROM score a JOIN score b USING (adjudication_month, network, peer_group)
    WHERE a.provider <> b.provider AND a.known > 0 AND b.known > 0 GROUP BY ALL)
SELECT adjudication_month, network, provider AS rendering_provider_id, claims AS claim_count, lines AS line_count,
    billed AS billed_amount, paid AS paid_amount,
    if(has_evidence, known, NULL) AS claims_with_outcome,
    if(has_evidence, denied, NULL) AS claims_initially_denied,
    if(has_evidence, first_pass, NULL) AS first_pass_count,
    paid_claims AS paid_claim_count,
    if(has_evidence, rate(denied, known), NULL) AS initial_denial_rate,
    if(has_evidence, expected_rate, NULL) AS expected_denial_rate,
    days::DECIMAL(12, 3) AS median_days_to_pay,
    if(has_evidence, rate(first_pass, known), NULL) AS first_pass_rate,
    old AS over_90_amount, peer_group,
    if(has_evidence, percentile, NULL) AS peer_percentile,
    claims < 11 AS is_below_minimum_n
FROM score LEFT JOIN expected USING (adjudication_month, network, provider) LEFT JOIN peers USING (adjudication_month, network, provider)
