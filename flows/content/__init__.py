"""The clinic's own words and thresholds, as data."""
