#!/usr/bin/env bash
# Builds the fuzz targets (clang and its sanitizers are needed) and runs each for some seconds on its
# seeds: those of daemon and client, built in BUILD, and those of the core, built in BUILD-core.
# What it finds new stays in corpus/ of the build, a fault beside it.
# What it finds belongs into tests/fuzz/corpus: tests/fuzz/replay runs that in the ordinary tests.
# Usage: run.sh [SECONDS [BUILD_FOLDER [TARGET...]]]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-30}
build=${2:-$root/build/fuzz}
services=" config credentials job_file job_request journal page_token "
core=" cifar pickle pytorch_file safetensors training_checkpoint "
targets=("${@:3}")
((${#targets[@]})) || read -ra targets <<<"$services $core"

# build_targets FOLDER TARGETS OPTION...: builds those of the wanted targets that are among TARGETS.
build_targets() {
  local folder=$1 wanted=() name
  for name in "${targets[@]}"; do
    [[ $2 != *" $name "* ]] || wanted+=("${name}_fuzzer")
  done
  ((${#wanted[@]})) || return 0
  mkdir -p "$folder"
  cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER=clang++ \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDISTILL_BUILD_FUZZERS=ON -DDISTILL_BUILD_TESTS=OFF \
    "${@:3}" >"$folder.configure.log"
  ninja -C "$folder" "${wanted[@]}"
}

build_targets "$build" "$services" -DDISTILL_BUILD_CORE=OFF -DDISTILL_SANITIZE=fuzzer-no-link,address,undefined
build_targets "$build-core" "$core" -DDISTILL_BUILD_SERVICES=OFF
status=0
for name in "${targets[@]}"; do
  folder=$build
  [[ $core != *" $name "* ]] || folder=$build-core
  mkdir -p "$folder/corpus/$name"
  folders=("corpus/$name")
  [[ ! -d $root/tests/fuzz/corpus/$name ]] || folders+=("$root/tests/fuzz/corpus/$name")
  [[ $name != pytorch_file ]] || folders+=("$root/tests/oracle/checkpoint/fixtures")
  printf '== %s\n' "$name"
  (cd "$folder" && "tests/fuzz/${name}_fuzzer" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 "${folders[@]}") >"$folder/$name.log" 2>&1 || status=1
  grep -E 'ERROR|SUMMARY|runtime error|stat::(number_of_executed_units|average_exec)' "$folder/$name.log" || true
done
exit $status
