#!/usr/bin/env bash
# Sets up, configures and builds; the common part of demo.sh and test.sh.
#
# Usage: deploy/build.sh [--preset NAME] [--libtorch auto|apt|pip|none] [TARGET...]
#
# Prints the build folder on standard output, what it does on standard error, and keeps the rest in
# FOLDER/build.log. With the wheel's LibTorch the folder is build/NAME-pip, so that both can stand
# beside each other.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=default
libtorch=auto
targets=()
while (($#)); do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift ;;
    --libtorch) libtorch=${2:?--libtorch needs a value}; shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) printf 'build: unknown argument: %s (try --help)\n' "$1" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done

mkdir -p "$root/build"
setup=$("$root/deploy/setup.sh" --libtorch "$libtorch")
read -r kind prefix <<<"$setup"

folder=$root/build/$preset
options=()
case $kind in
  pip) folder=$folder-pip; options+=("-DCMAKE_PREFIX_PATH=$prefix") ;;
  own) folder=$folder-own ;;
  none) options+=(-DDISTILL_BUILD_CORE=OFF) ;;
esac
mkdir -p "$folder"
log=$folder/build.log

fail() {
  # What matters of a long log: the first errors, else the end.
  grep -nE -m 20 'error|Error|FAILED' "$log" >&2 || tail -n 40 "$log" >&2
  printf 'build: %s; all of it: %s\n' "$1" "$log" >&2
  exit 1
}

started=$SECONDS
printf 'build: configuring %s (LibTorch: %s)\n' "$folder" "$kind" >&2
cmake -S "$root" -B "$folder" --preset "$preset" "${options[@]}" >"$log" 2>&1 </dev/null || fail 'configuring failed'
printf 'build: compiling %s\n' "${targets[*]:-everything}" >&2
build_arguments=()
((${#targets[@]} == 0)) || build_arguments=(--target "${targets[@]}")
cmake --build "$folder" "${build_arguments[@]}" >>"$log" 2>&1 </dev/null || fail 'compiling failed'
printf 'build: done in %d s\n' "$((SECONDS - started))" >&2
printf '%s\n' "$folder"
