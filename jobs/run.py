"""Builds what is due, under spark-submit: takes the options of `lakehouse run` and ends with its exit code."""

import sys

from lakehouse.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
