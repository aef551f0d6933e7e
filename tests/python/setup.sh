#!/usr/bin/env bash
# Sets up a Python with PyTorch and the readers that the tests compare with: DEPS/python/python3 is its interpreter.
# Usage: setup.sh DEPS_FOLDER TORCH_ROOT, after common/cmake/setup.sh. The second time nothing is done.
#
# PyTorch is the wheel whose libraries the programs are linked to; only small packages are added (requirements.txt).
# That wheel is a CUDA build, and its Python module loads libtorch_cuda.so with all of CUDA's libraries, 2 GB that a
# test on the CPU never calls. Where they are absent, empty ones stand in for them: every function that libtorch_cuda.so
# looks for when it is loaded is there, and traps when it is called.
set -euo pipefail
deps=$(cd "$1" && pwd)
torch_root=$2
here=$(cd "$(dirname "$0")" && pwd)
folder=$deps/python
stamp="$(cat "$here/requirements.txt" "$here/setup.sh" | cksum) $deps $torch_root"
[ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

if [ ! -e "$torch_root/__init__.py" ]; then
  echo "setup-python: $torch_root is no Python package, it has no __init__.py; leave TORCH_ROOT out to use the pinned wheel" >&2
  exit 1
fi
echo "setup-python: installing $(grep -vc '^#' "$here/requirements.txt") packages" >&2
[ -x "$deps/pip/bin/pip" ] || python3 -m venv "$deps/pip"
rm -rf "$folder" "$folder.part"
mkdir -p "$folder.part/stand_ins"
"$deps/pip/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile --target "$folder.part/packages" \
  -r "$here/requirements.txt" >&2
rm -rf "$folder.part/packages/onnx/backend/test"  # half of onnx: the cases that check other backends

# One library with all functions, under the name of each. A real one, where there is one, is found before.
libraries=("$torch_root"/lib/libtorch_{cuda,nvshmem,python}.so)
cuda_names='^(cublas|cudnn|cufft|cufile|cuFile|curand|cusparse|nccl|nvshmem)'
nm -D --undefined-only "${libraries[@]}" | awk '{print $2}' | sed 's/@.*//' | grep -E "$cuda_names" | sort -u |
  sed 's/.*/void &(void) { __builtin_trap(); }/' > "$folder.part/stand_ins/functions.c"
needed=$(objdump -p "${libraries[@]}" | sed -n 's/^ *NEEDED *lib//p' | grep -E "$cuda_names" | sort -u)
for name in $needed; do
  clang -shared -fPIC -w -fno-builtin "-Wl,-soname,lib$name" -o "$folder.part/stand_ins/lib$name" \
    "$folder.part/stand_ins/functions.c"
done

cat > "$folder.part/python3" <<END
#!/bin/sh
# Made by tests/python/setup.sh.
export LD_LIBRARY_PATH='$folder/stand_ins'
export PYTHONPATH='$folder/packages:$(dirname "$torch_root")'
export PYTHONPYCACHEPREFIX='$folder/pycache'
export CUDA_VISIBLE_DEVICES=
unset PYTHONDONTWRITEBYTECODE PYTHONHOME
exec '$deps/pip/bin/python' "\$@"
END
chmod +x "$folder.part/python3"
mv "$folder.part" "$folder"
# Also compiles the modules, once.
"$folder/python3" -c 'import numpy, onnxruntime, PIL, tensorboard, torch, torch.onnx
from tensorboard.backend.event_processing import event_accumulator
print("setup-python: PyTorch", torch.__version__, "TensorBoard", tensorboard.__version__)' >&2
echo "$stamp" > "$folder/.stamp"
