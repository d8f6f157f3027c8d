#!/usr/bin/env bash
# The one way to submit a job.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly root venv=$root/.venv

usage() {
    cat <<'TEXT'
Usage: ./spark-submit.sh [--env ENV | --config FILE] JOB [ARGUMENT...]

Runs jobs/JOB with the locked Spark of .venv and passes on its exit code.

  --env ENV      environment: Spark's properties come from conf/spark/ENV.conf, and the job is given --env ENV
                 (default: the variable LAKEHOUSE_ENV, else local; the job then finds the same one by itself)
  --config FILE  the job is given --config FILE in place of a named environment; Spark's properties are the default's
  -h, --help     show this text

JOB is a file in jobs: run.py, jobs/run.py and run name the same one. Everything after it goes to the job untouched.
Set-up comes first, once: make setup

Example: ./spark-submit.sh --env local run.py --help
TEXT
}

# Exit code 2 keeps a wrong call apart from a failed job.
stop() {
    printf 'spark-submit.sh: %s\n' "$*" >&2
    exit 2
}

# names FOLDER SUFFIX -> the files of that suffix, without it.
names() {
    local file found=''
    for file in "$1"/*"$2"; do
        [[ -f $file ]] && found+="${found:+, }$(basename "$file" "$2")"
    done
    printf '%s' "${found:-none}"
}

# ---- the call ---------------------------------------------------------------------------------------------------------

env=${LAKEHOUSE_ENV:-local}
choice=()
while (($#)); do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --env=* | --config=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            ;;
        --env | --config)
            [[ -n ${2:-} ]] || stop "$1 needs a value; see ./spark-submit.sh --help"
            ((${#choice[@]} == 0)) || stop "give --env or --config, and only once"
            choice=("$1" "$2")
            [[ $1 == --config ]] || env=$2
            shift 2
            ;;
        -*) stop "unknown option $1 (options of the job come after its name); see ./spark-submit.sh --help" ;;
        *) break ;;
    esac
done
(($#)) || stop "no job given; jobs: $(names "$root/jobs" .py). See ./spark-submit.sh --help"

name=${1#jobs/}
job=$root/jobs/${name%.py}.py
shift
[[ -f $job ]] || stop "no job $name; jobs: $(names "$root/jobs" .py)"

properties=$root/conf/spark/$env.conf
[[ -f $properties ]] ||
    stop "no Spark properties for environment $env; conf/spark has: $(names "$root/conf/spark" .conf)"
grep -Eq '^[[:space:]]*spark\.master[[:space:]=:]' "$properties" ||
    stop "conf/spark/$env.conf names no spark.master, so it is not meant for this machine; use --env local"

# ---- the job ----------------------------------------------------------------------------------------------------------

[[ -x $venv/bin/spark-submit ]] || stop "$venv is not set up; run: make setup"
jars=("$venv"/jars/*.jar "$venv"/jars/s3/*.jar)
[[ -f ${jars[0]} ]] || stop "$venv/jars holds no jar; run: make setup"

unset SPARK_HOME # another Spark's folder would be used in place of the locked one
export PYSPARK_PYTHON=$venv/bin/python PYSPARK_DRIVER_PYTHON=$venv/bin/python
exec "$venv/bin/spark-submit" --properties-file "$properties" --jars "$(IFS=, && printf '%s' "${jars[*]}")" \
    "$job" "${choice[@]}" "$@"
