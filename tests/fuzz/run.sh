#!/usr/bin/env bash
# Builds the fuzz targets of daemon and client (clang and its sanitizers are needed) and runs each for
# some seconds on its seeds. What it finds new stays in BUILD/corpus, a fault in BUILD.
# What it finds belongs into tests/fuzz/corpus: tests/fuzz/replay runs that in the ordinary tests.
# Usage: run.sh [SECONDS [BUILD_FOLDER [TARGET...]]]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-30}
build=${2:-$root/build/fuzz}
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DDISTILL_BUILD_FUZZERS=ON -DDISTILL_BUILD_CORE=OFF -DDISTILL_BUILD_TESTS=OFF \
  -DDISTILL_SANITIZE=fuzzer-no-link,address,undefined >"$build.configure.log"
ninja -C "$build" fuzzers
status=0
targets=("${@:3}")
((${#targets[@]})) || targets=(config job_file job_request journal page_token)
for name in "${targets[@]}"; do
  mkdir -p "$build/corpus/$name"
  seeds=$root/tests/fuzz/corpus/$name
  folders=("corpus/$name")
  [[ ! -d $seeds ]] || folders+=("$seeds")
  printf '== %s\n' "$name"
  (cd "$build" && "tests/fuzz/${name}_fuzzer" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 "${folders[@]}") >"$build/$name.log" 2>&1 || status=1
  grep -E 'ERROR|SUMMARY|runtime error|stat::(number_of_executed_units|average_exec)' "$build/$name.log" || true
done
exit $status
