#!/usr/bin/env bash
# Builds distilld with a CUDA LibTorch, runs the tests that need a GPU and those of whole runs on the
# GPU, times the training step beside the same step in Python, and prints a short table. Stays under
# ten minutes on 16 cores.
#
# Usage: deploy/gpu-check.sh [--core | --built] [BUILD_FOLDER]
#
#   --core   the training core alone: needs no gRPC and no SQLite
#   --built  builds nothing: BUILD_FOLDER has all programs
#
# LibTorch: where CMAKE_PREFIX_PATH or Torch_DIR leads; else the one of the `torch` that python3 has.
# The other libraries must be there (deploy/setup.sh). The log is BUILD_FOLDER/gpu-check.log.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
what=all
case ${1:-} in
  --core) what=core; shift ;;
  --built) what=built; shift ;;
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
  -*) printf 'gpu-check: unknown argument: %s (try --help)\n' "$1" >&2; exit 2 ;;
esac
folder=${1:-$root/build/gpu}
mkdir -p "$folder"
log=$folder/gpu-check.log
: >"$log"
command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null ||
  { printf 'gpu-check: no NVIDIA GPU here\n' >&2; exit 1; }

build() {
  if [[ -z ${CMAKE_PREFIX_PATH:-}${Torch_DIR:-} ]]; then
    CMAKE_PREFIX_PATH=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
    export CMAKE_PREFIX_PATH
  fi
  local services=ON
  [[ $what != core ]] || services=OFF
  cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDISTILL_BUILD_SERVICES=$services &&
    cmake --build "$folder" && cmake --build "$folder" --target bench_step bench_input
}

started=$SECONDS
if [[ $what != built ]]; then
  build >>"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
fi
built=$((SECONDS - started))

# What of the whole runs says nothing of the device that they run on.
whole_runs='ExactResume|RealPhotographs|Checkpoint|TorchScript|WorkerLoss|Trai'
jobs=$((($(nproc) + 1) / 2))
status=0
row() { printf '%-44s %s\n' "$1" "$2"; }
# run_tests WHAT ARGUMENT...: says how many of WHAT passed.
run_tests() {
  local what=$1 before=$SECONDS lines
  shift
  lines=$(wc -l <"$log")
  ctest --test-dir "$folder" --no-tests=error --output-on-failure "$@" >>"$log" 2>&1 || status=1
  row "$what" "$(tail -n "+$((lines + 1))" "$log" | grep -E '^\s+[0-9]+ - |tests passed' | tail -n 20)"
  row '  seconds' "$((SECONDS - before))"
}
printf '\n'
row GPU "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1)"
row 'build, s' "$built"
run_tests 'tests labelled gpu' --label-regex gpu --parallel "$jobs"
if [[ $what != core ]]; then
  row LibTorch "$("$folder/bin/distill_worker" --version)"
  DISTILL_TEST_DEVICES=auto run_tests 'whole runs on the GPU' --label-regex e2e \
    --tests-regex "$whole_runs" --parallel "$jobs"
fi

median() { tr ' ' '\n' | grep . | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
# rate BATCH COMMAND...: images a second, from what the command prints.
rate() { "${@:2}" 2>>"$log" | median | awk -v b="$1" '{printf "%.0f", b / $1}'; }
for batch in 64 256; do
  ours=() peers=()
  for _ in 1 2; do
    ours+=("$(rate "$batch" "$folder/tests/bench/bench_step" 60 "$batch" 224 8 cuda:0)")
    peers+=("$(rate "$batch" python3 "$root/tests/bench/step_peer.py" 60 "$batch" 224 8 cuda:0)")
  done
  our=$(median <<<"${ours[*]}") peer=$(median <<<"${peers[*]}")
  row "resnet50 -> mobilenetv2, batch $batch, images/s" \
    "$our; Python $peer; ratio $(awk -v o="$our" -v p="$peer" 'BEGIN {printf "%.2f", o / (p ? p : 1)}')"
done
photographs=${DISTILL_TEST_DATA:-$root/../shared/data}/flowers5
if [[ -d $photographs ]]; then
  printf 'photographs to the GPU, batch 64, images/s of two passes\n'
  "$folder/tests/bench/bench_input" "$photographs" 64 224 "$(nproc)" cuda:0 2>>"$log" | sed 's/^/  /'
fi
exit "$status"
