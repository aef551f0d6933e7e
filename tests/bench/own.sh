#!/usr/bin/env bash
# Runs the benchmarks of our own parts: own.sh BUILD_FOLDER OUTPUT_FOLDER. Writes OUTPUT/NAME.json and prints a table each.
set -euo pipefail
build=$1 output=$2
mkdir -p "$output"
for program in "$build"/tests/bench_*; do
  name=$(basename "$program")
  [ "$name" != bench_worker ] || continue
  echo "--- ${name#bench_}"
  "$program" --benchmark_repetitions=3 --benchmark_min_time=0.3 --benchmark_enable_random_interleaving=true \
    --benchmark_report_aggregates_only=true --benchmark_out="$output/${name#bench_}.json" --benchmark_out_format=json 2>/dev/null |
    grep -v '_mean\|_stddev'
done
