"""Feeds whose files already have the contracts' columns: a folder per feed, any subset of feeds, no code to write."""
