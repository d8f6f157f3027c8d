-- A line whose claim was decided on no known day is in no month.
WITH coded AS (
    SELECT *, month_of(first_adjudicated_date) AS adjudication_month,
        is_initial AND has_come(first_adjudicated_date) AS is_first,
        is_final AND has_come(first_adjudicated_date) AS is_last
    FROM line_outcome WHERE first_adjudicated_date IS NOT NULL),
counted AS (
    SELECT adjudication_month, network, payer_code,
        coalesce(procedure_code_system, 'NONE') AS procedure_code_system,
        coalesce(procedure_code, 'NONE') AS procedure_code,
        has_evidence,
        count(*) FILTER (is_first) AS adjudicated,
        count(*) FILTER (is_first AND first_outcome = 'full') AS denied_full,
        count(*) FILTER (is_first AND first_outcome = 'partial') AS denied_partial,
        count(*) FILTER (is_first AND first_outcome IS NULL) AS unknown,
        count(*) FILTER (is_last AND is_closed_now AND last_outcome IS NOT NULL) AS adjudicated_final,
        count(*) FILTER (is_last AND is_closed_now AND is_final_now AND last_outcome = 'full') AS denied_finally,
        coalesce(sum(charge) FILTER (is_first), 0) AS charged,
        coalesce(sum(first_denied) FILTER (is_first), 0) AS denied_first_amount,
        coalesce(sum(last_denied) FILTER (is_last AND is_final_now), 0) AS denied_last_amount,
        coalesce(sum(charge) FILTER (is_first AND first_outcome IN ('full', 'partial')), 0) AS denied_charge,
        coalesce(sum(charge) FILTER (is_first AND first_outcome IS NULL), 0) AS unknown_charge
    FROM coded GROUP BY ALL)
SELECT adjudication_month, network, payer_code, procedure_code_system, procedure_code,
    adjudicated AS lines_adjudicated,
    if(has_evidence, denied_full, NULL) AS lines_initially_denied_full,
    if(has_evidence, denied_partial, NULL) AS lines_initially_denied_partial,
    if(has_evidence, unknown, NULL) AS lines_outcome_unknown,
    if(has_evidence, adjudicated_final, NULL) AS lines_adjudicated_final,
    if(has_evidence, denied_finally, NULL) AS lines_finally_denied,
    charged AS adjudicated_charge_amount,
    if(has_evidence, denied_first_amount, NULL) AS initially_denied_amount,
    if(has_evidence, denied_last_amount, NULL) AS finally_denied_amount,
    if(has_evidence, denied_charge, NULL) AS initially_denied_charge_amount,
    if(has_evidence, unknown_charge, NULL) AS outcome_unknown_charge_amount,
    if(has_evidence, rate(denied_full + denied_partial, adjudicated - unknown), NULL) AS initial_line_denial_rate,
    if(has_evidence, rate(denied_finally, adjudicated_final), NULL) AS final_line_denial_rate,
    if(has_evidence, rate(denied_first_amount, charged - unknown_charge), NULL) AS initial_dollar_denial_rate
FROM counted
