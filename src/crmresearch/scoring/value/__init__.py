"""Who is worth what: summaries, RFM, concentration, indicators, weights, ranking, tiers."""
