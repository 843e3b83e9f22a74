-- Of which version the terms are that segments describe providers by; TERMS in
-- store/src/index/terms.rs. What has none yet is of the newest.
INSERT INTO index_state (name, value)
SELECT 'terms', CASE WHEN EXISTS (SELECT 1 FROM providers) THEN 1 ELSE 2 END;
