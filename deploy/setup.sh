#!/usr/bin/env bash
# Installs what distilld is built from, on Debian 12 or Ubuntu 24.04. Does nothing, quickly, where
# everything is there. Needs root, or sudo, only for what is missing.
#
# Usage: deploy/setup.sh [--libtorch=auto|apt|pip|none] [--log FILE]
#
#   auto  the LibTorch that CMAKE_PREFIX_PATH or Torch_DIR leads to; else, with an NVIDIA GPU, the
#         one inside the torch wheel; else the distribution's
#   apt   the distribution's libtorch-dev, with OpenBLAS
#   pip   the torch wheel of the version in cmake/libtorch.version, in build/libtorch
#   none  no LibTorch and no OpenCV: enough for distilld and distillctl
#
# Prints one line on standard output, "KIND PREFIX": KIND is own, apt, pip or none; PREFIX, with pip
# only, is the folder for CMAKE_PREFIX_PATH. All else goes to standard error.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log=$root/build/setup.log
libtorch=auto

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

while (($#)); do
  case $1 in
    --libtorch=*) libtorch=${1#*=} ;;
    --libtorch) libtorch=${2:?--libtorch needs a value}; shift ;;
    --log) log=${2:?--log needs a file}; shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown argument: $1 (try --help)" ;;
  esac
  shift
done
case $libtorch in auto | apt | pip | none) ;; *) die "--libtorch is auto, apt, pip or none" ;; esac
mkdir -p "$(dirname "$log")"

as_root() {
  if ((EUID == 0)); then "$@"; else
    command -v sudo >/dev/null || die "not root, and there is no sudo: cannot run $*"
    sudo "$@"
  fi
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

apt_run() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" \
    >>"$log" 2>&1 </dev/null
}

# Installs those of the given packages that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || die "this is neither Debian nor Ubuntu; install by hand: ${missing[*]}"
  printf 'setup: installing %s\n' "${missing[*]}" >&2
  apt_run install -y --no-install-recommends "${missing[@]}" && return 0
  # The package lists may be missing, or older than the archive.
  apt_run update || die "apt-get update failed; see $log"
  apt_run install -y --no-install-recommends "${missing[@]}" ||
    die "apt-get install failed; see $log"
}

has_nvidia_gpu() {
  [[ -e /proc/driver/nvidia/version ]] || { command -v nvidia-smi >/dev/null && nvidia-smi -L; } >/dev/null 2>&1
}

# True when the environment leads CMake to a LibTorch.
has_own_libtorch() {
  [[ -n ${Torch_DIR:-} && -e $Torch_DIR/TorchConfig.cmake ]] && return 0
  local prefix prefixes
  IFS=':;' read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    [[ -e $prefix/Torch/TorchConfig.cmake || -e $prefix/share/cmake/Torch/TorchConfig.cmake ]] && return 0
  done
  return 1
}

# The reference BLAS multiplies matrices more than ten times slower than OpenBLAS.
choose_openblas() {
  local link current wanted
  link=libblas.so.3-$(gcc -dumpmachine)
  current=$(update-alternatives --query "$link" 2>/dev/null | sed -n 's/^Value: //p')
  [[ $current == *openblas* ]] && return 0
  wanted=$(update-alternatives --list "$link" 2>/dev/null | grep -m1 openblas) || return 0
  printf 'setup: BLAS is %s from now on\n' "$wanted" >&2
  as_root update-alternatives --set "$link" "$wanted" >>"$log" 2>&1
}

# Puts the torch wheel into a virtual environment of its own and prints its CMake prefix.
install_wheel() {
  local version venv cmake_folder
  version=$(<"$root/cmake/libtorch.version")
  venv=$root/build/libtorch/$version
  cmake_folder() { compgen -G "$venv/lib/python3*/site-packages/torch/share/cmake" | head -n 1; }
  if [[ ! -e $venv/complete ]]; then
    install_packages python3 python3-venv python3-pip
    printf 'setup: fetching LibTorch %s (the torch wheel)\n' "$version" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >>"$log" 2>&1 || die "python3 -m venv failed; see $log"
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
      "torch==$version" >>"$log" 2>&1 </dev/null || die "pip could not fetch torch $version; see $log"
    [[ -n $(cmake_folder) ]] || die "the torch wheel has no CMake files; see $log"
    touch "$venv/complete"
  fi
  cmake_folder
}

tools=(ca-certificates cmake dpkg-dev file ninja-build g++ make python3 sqlite3)
services=(libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  libsqlitecpp-dev libsqlite3-dev libspdlog-dev libssl-dev libcli11-dev libyaml-cpp-dev
  libcurl4-openssl-dev libtomlplusplus-dev nlohmann-json3-dev prometheus-cpp-dev)
tests=(openssl libgtest-dev libgmock-dev libbenchmark-dev)
vision=(libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev libjpeg-dev zlib1g-dev)

if [[ $libtorch == auto ]]; then
  if has_own_libtorch; then libtorch=own; elif has_nvidia_gpu; then libtorch=pip; else libtorch=apt; fi
fi

packages=("${tools[@]}" "${services[@]}" "${tests[@]}")
[[ $libtorch == none ]] || packages+=("${vision[@]}")
[[ $libtorch != apt ]] || packages+=(libtorch-dev libopenblas0-pthread)
install_packages "${packages[@]}"

prefix=
case $libtorch in
  apt) choose_openblas ;;
  pip) prefix=$(install_wheel) ;;
esac
printf '%s %s\n' "$libtorch" "$prefix"
