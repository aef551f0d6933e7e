#!/usr/bin/env bash
# Prints the nvcc to build with, or fails when there is none. Usage: find_nvcc.sh DEPS_FOLDER
# CUDACXX names one; else the first of release 13.0, LibTorch's own, is taken, and at last the set-up's. Newer ones are passed
# over: their PTX wants a newer driver than LibTorch does.
set -euo pipefail
if [ -n "${CUDACXX:-}" ]; then
  echo "$CUDACXX"
  exit
fi
set_up=$1/nvcc/nvidia/cu13/bin/nvcc
for nvcc in "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc "$set_up"; do
  [ -x "$nvcc" ] || continue
  # Preprocessing a file finds out whether the toolkit's headers are there, too: packages split them off.
  if "$nvcc" --version 2>/dev/null | grep -q 'release 13\.0' && "$nvcc" -E -x cu - >/dev/null 2>&1 <<<'#include <cuda_runtime.h>'; then
    realpath -s "$nvcc"
    exit
  fi
done
echo "no nvcc of CUDA 13.0 was found, and the set-up's is not in $set_up: remove ${1}/setup-cuda*.stamp, then set up again" >&2
exit 1
