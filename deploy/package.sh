#!/usr/bin/env bash
# Builds the Debian packages distilld and distillctl, and prints their paths.
#
# Usage: deploy/package.sh [--build FOLDER] [--output FOLDER]
#
#   --build FOLDER   packs what a build folder holds already; else build/release is set up and built
#   --output FOLDER  where the packages go (default: build/packages)
#
# They depend on the distribution's LibTorch, which knows no CUDA: for GPUs see deploy/docker.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=
output=$root/build/packages
while (($#)); do
  case $1 in
    --build) build=${2:?--build needs a folder}; shift ;;
    --output) output=${2:?--output needs a folder}; shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) printf 'package: unknown argument: %s (try --help)\n' "$1" >&2; exit 2 ;;
  esac
  shift
done

[[ -n $build ]] || build=$("$root/deploy/build.sh" --preset release --libtorch apt)
for tool in dpkg-shlibdeps file; do
  command -v "$tool" >/dev/null ||
    { printf 'package: %s is missing: apt-get install dpkg-dev file\n' "$tool" >&2; exit 1; }
done
libtorch=$(sed -n 's/^TORCH_LIBRARY:[A-Z]*=//p' "$build/CMakeCache.txt")
[[ $libtorch == /usr/lib/* ]] ||
  { printf 'package: %s was built with %s, which no package holds: build with --libtorch apt\n' "$build" "${libtorch:-no LibTorch}" >&2; exit 1; }
mkdir -p "$output"
# Folders and files of a package are readable by all, whatever the builder's umask.
umask 022
log=$output/cpack.log
cpack --config "$build/CPackConfig.cmake" -G DEB -B "$output" >"$log" 2>&1 ||
  { tail -n 20 "$log" >&2; printf 'package: cpack failed; see %s\n' "$log" >&2; exit 1; }
sed -n 's/^CPack: - package: \(.*\) generated\.$/\1/p' "$log"
