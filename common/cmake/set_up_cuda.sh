#!/usr/bin/env bash
# The CUDA half of setup.sh, which has unpacked LibTorch: nvcc, and what libtorch_cuda.so is linked to. Neither looks for a
# driver: what was built on a cluster's login node runs on its GPU nodes.
# Usage: set_up_cuda.sh DEPS_FOLDER, with the environment of setup.sh.
set -euo pipefail
deps=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/unpack.sh"

# --- nvcc ----------------------------------------------------------------------------------------------------------------
# NVIDIA's packages leave the versions of their parts open: a newer nvvm or crt does not go with this nvcc.
if ! bash "$here/find_nvcc.sh" "$deps" >/dev/null 2>&1; then
  nvcc=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96)
  unpack nvcc "${nvcc[*]}" "${nvcc[@]}"
  # nvcc.profile and the linker ask for names that the packages do not have.
  ln -sfn lib "$deps/nvcc/nvidia/cu13/lib64"
  ln -sfn libcudart.so.13 "$deps/nvcc/nvidia/cu13/lib/libcudart.so"
  bash "$here/find_nvcc.sh" "$deps" >/dev/null
fi

# --- LibTorch's CUDA libraries ---------------------------------------------------------------------------------------------
if [ "${BOXSEG_CUDA_WHEELS:-1}" = 0 ]; then exit; fi
if [ -z "${TORCH_ROOT:-}" ]; then
  # libtorch_cuda.so looks for them beside itself. pip cannot add to a folder, so they are unpacked apart and linked in; the
  # stamp lies in LibTorch's folder and goes with it when another LibTorch is unpacked.
  stamp=$deps/torch/.cuda-stamp
  wheels=($(grep -v '^#' "$here/cuda_wheels.txt"))
  if [ "$(cat "$stamp" 2>/dev/null)" != "${wheels[*]}" ]; then
    echo "setup: LibTorch's CUDA libraries, 2 GB to download" >&2
    unpack cuda "${wheels[*]}" "${wheels[@]}"
    rm "$deps/cuda/.stamp"
    cp -alf "$deps/cuda/." "$deps/torch/"
    rm -rf "$deps/cuda"
    echo "${wheels[*]}" > "$stamp"
  fi
fi
library=${TORCH_ROOT:-$deps/torch/torch}/lib/libtorch_cuda.so
[ -e "$library" ] || { echo "setup: $library is not there: this LibTorch is one for CPUs only" >&2; exit 1; }
list=(ldd)
if [ -z "${TORCH_ROOT:-}" ]; then
  # What a toolkit on this machine could add does not count: ours must be complete.
  list=(env -u LD_LIBRARY_PATH LD_TRACE_LOADED_OBJECTS=1 "$(ldd /bin/sh | awk '/ld-linux/ { print $1 }')" --inhibit-cache)
fi
lacking=$("${list[@]}" "$library" | awk '/not found/ { print $1 }' | sort -u | xargs)
if [ -n "$lacking" ]; then
  echo "setup: $library is linked to libraries that are not found: $lacking" >&2
  # A LibTorch of the user's may get them from elsewhere where the programs run.
  [ -n "${TORCH_ROOT:-}" ] || exit 1
fi
