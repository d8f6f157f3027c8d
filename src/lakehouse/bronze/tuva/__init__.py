"""The Tuva input layer: claim lines and coverage spans of a payer, in its early and its current column names."""
