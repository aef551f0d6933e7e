#!/usr/bin/env bash
# Installs what boxseg is measured against into DEPS/peers; DEPS/peers/python3 is their interpreter.
# Usage: setup.sh DEPS_FOLDER TORCH_ROOT, after tests/python/setup.sh. The second time nothing is done.
set -euo pipefail
deps=$(cd "$1" && pwd)
torch_root=$2
here=$(cd "$(dirname "$0")" && pwd)
folder=$deps/peers
stamp="$(cat "$here/requirements.txt" "$here/setup.sh" "$deps/python/.stamp" | cksum) $deps $torch_root"
[ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

echo "bench-peers: installing; one of them is compiled" >&2
rm -rf "$folder" "$folder.part"
mkdir -p "$folder.part"
# The authors of pydensecrf leave the optimisation to the compiler's flags.
CFLAGS=-O3 CXXFLAGS=-O3 "$deps/pip/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile \
  --target "$folder.part/packages" -r "$here/requirements.txt" >&2
sed "s|^export PYTHONPATH='|&$folder/packages:|; s|^# Made by .*|# Made by tests/bench/peers/setup.sh.|" "$deps/python/python3" \
  > "$folder.part/python3"
chmod +x "$folder.part/python3"
mv "$folder.part" "$folder"
"$folder/python3" -c 'import cv2, h5py, hotcoco, torchvision, ultrafast_pycocotools, pydensecrf.densecrf' >&2
echo "$stamp" > "$folder/.stamp"
