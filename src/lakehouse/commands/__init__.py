"""The commands of `lakehouse`, one module each; `lakehouse.cli` puts them together."""
