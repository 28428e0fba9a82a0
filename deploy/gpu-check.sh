#!/usr/bin/env bash
# Builds the core against a CUDA LibTorch, runs the tests that need a GPU, times the training step,
# and prints a short table. Needs no gRPC and no SQLite; OpenCV, GoogleTest and the other libraries of
# the core must be there. Stays under ten minutes on 16 cores.
#
# Usage: deploy/gpu-check.sh [BUILD_FOLDER]
#
# LibTorch: where CMAKE_PREFIX_PATH or Torch_DIR leads; else the one of the `torch` that python3 has.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$root/build/gpu}
mkdir -p "$folder"
log=$folder/gpu-check.log
command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null ||
  { printf 'gpu-check: no NVIDIA GPU here\n' >&2; exit 1; }
if [[ -z ${CMAKE_PREFIX_PATH:-}${Torch_DIR:-} ]]; then
  CMAKE_PREFIX_PATH=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
  export CMAKE_PREFIX_PATH
fi

started=$SECONDS
cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDISTILL_BUILD_SERVICES=OFF >"$log" 2>&1
cmake --build "$folder" >>"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
cmake --build "$folder" --target bench_step >>"$log" 2>&1
built=$((SECONDS - started))

tests=passed
ctest --test-dir "$folder" --label-regex gpu --no-tests=error --output-on-failure >>"$log" 2>&1 ||
  { tests=FAILED; tail -n 60 "$log" >&2; }

median() { tr ' ' '\n' | grep . | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
row() { printf '%-44s %s\n' "$1" "$2"; }
printf '\n'
row GPU "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1)"
row LibTorch "$("$folder/bin/distill_worker" --version)"
row 'build, s' "$built"
row 'tests labelled gpu' "$tests"
for batch in 64 256; do
  seconds=$("$folder/tests/bench/bench_step" 30 "$batch" 224 8 cuda:0 | median)
  row "resnet50 -> mobilenetv2, batch $batch, images/s" \
    "$(awk -v s="$seconds" -v b="$batch" 'BEGIN {printf "%.0f", b / s}')"
done
[[ $tests == passed ]]
