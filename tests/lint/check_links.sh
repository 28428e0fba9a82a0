#!/usr/bin/env bash
# Fails when a program loads a shared library that it must not see, names one as its own need that it
# must not use, loads more than one libprotobuf, or meets LibTorch before the C++ library: wheels for
# CUDA export pieces of another one, which crash.
# Usage: check_links.sh PROGRAM FORBIDDEN_REGEX [FORBIDDEN_NEED_REGEX]
set -euo pipefail
libraries=$(ldd "$1")
if hits=$(grep 'not found' <<<"$libraries"); then
  printf '%s lacks libraries:\n%s\n' "$1" "$hits"
  exit 1
fi
if hits=$(grep -E "$2" <<<"$libraries"); then
  printf '%s must not load:\n%s\n' "$1" "$hits"
  exit 1
fi
if (($# > 2)) && hits=$(objdump -p "$1" | grep NEEDED | grep -E "$3"); then
  printf '%s must not use:\n%s\n' "$1" "$hits"
  exit 1
fi
count=$(grep -c 'libprotobuf\.so' <<<"$libraries" || true)
if ((count > 1)); then
  printf '%s loads %d copies of libprotobuf\n' "$1" "$count"
  exit 1
fi
first=$(objdump -p "$1" | grep -m 1 -oE 'NEEDED +lib(stdc\+\+|torch|c10)' || true)
if [[ $first == *torch || $first == *c10 ]]; then
  printf '%s meets LibTorch before the C++ library\n' "$1"
  exit 1
fi
