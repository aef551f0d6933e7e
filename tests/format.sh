#!/usr/bin/env bash
# Whether all C++ of the project looks as clang-format 14.0.6 writes it: format.sh [--fix]. That version is the one of
# tests/python/requirements.txt, or the system's where it is the same; 77 (skipped) where there is neither.
set -euo pipefail
cd "$(dirname "$0")/.."
version=14.0.6
for tool in .deps/python/packages/clang_format/data/bin/clang-format clang-format; do
  if command -v "$tool" >/dev/null && "$tool" --version | grep -qF " $version"; then found=$tool; break; fi
done
if [ -z "${found:-}" ]; then
  echo "SKIPPED: format: no clang-format $version; make -f Makefile.pipeline setup-python brings it along"
  [ "${BOXSEG_REQUIRE_PYTHON:-0}" = 1 ] && exit 1 || exit 77
fi
mapfile -t files < <(find common data eval stage*_* tests -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.c')
[ "${#files[@]}" -gt 100 ] || { echo "format: ${#files[@]} files found, expected some hundred" >&2; exit 1; }
if [ "${1:-}" = --fix ]; then "$found" -i "${files[@]}"; exit; fi
wrong=$("$found" --dry-run "${files[@]}" 2>&1 | sed -n 's/^\([^: ]*\):.*-Wclang-format-violations.*/\1/p' | sort -u)
[ -z "$wrong" ] || { printf '%s\n' "$wrong"; echo "format: these differ; bash tests/format.sh --fix lays them out" >&2; exit 1; }
