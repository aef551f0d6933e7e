#!/usr/bin/env bash
# The build's compiler launcher: ccache, set so that the builds for CPUs and with CUDA, and clones elsewhere, share objects.
# Usage: compile.sh CCACHE COMPILER ARGUMENT..., in the build folder.
set -euo pipefail
CCACHE_BASEDIR=$(cd "$(dirname "$0")/../.." && pwd)
export CCACHE_BASEDIR CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

# ccache makes paths relative, but not those behind -Xclang: there the build folder's name would tell the builds apart.
command=() output='' dependencies='' previous=''
for argument in "$@"; do
  argument=${argument#"$PWD/"}
  case $previous in
    -o) output=$argument ;;
    -MF) dependencies=$argument ;;
  esac
  command+=("$argument")
  previous=$argument
done

if [[ $output != *.pch ]]; then exec "${command[@]}"; fi

# A precompiled header names its folder inside: it is kept for this build folder alone. What is compiled with it does not
# depend on that, so ccache is given a checksum of the headers in it to look at (CCACHE_PCH_EXTSUM) in place of its bytes.
CCACHE_NAMESPACE=$PWD "${command[@]}"
rm -f "$output.sum"
mapfile -t headers < <(tr -s ' \\' '\n\n' <"$dependencies" | grep '/' | grep -v 'cmake_pch\.hxx')
[ ${#headers[@]} -gt 0 ] && cat -- "${headers[@]}" 2>/dev/null | sha256sum >"$output.sum.part" && mv "$output.sum.part" "$output.sum" ||
  rm -f "$output.sum.part"  # names that this cannot read: ccache looks at the bytes
