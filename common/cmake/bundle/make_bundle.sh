#!/usr/bin/env bash
# Puts what a build made, and what it needs, into one folder and one archive that run anywhere:
#   make_bundle.sh BUILD VERSION cpu|cuda TINY_RUN OUTPUT
#   make_bundle.sh can-be-made-here        only says why not, where a bundle cannot be made
# BUILD has bin/, libexec/ and tests/; TINY_RUN is a finished run of the preset tiny by it, whose digests go along for check.sh.
# Makes OUTPUT/boxseg-VERSION-FLAVOUR/ and OUTPUT/boxseg-VERSION-FLAVOUR.tar.zst:
#   bin/       the programs to call; the stages go on as those of libexec/, beside the LibTorch that beside_torch finds
#   libexec/   what uses LibTorch
#   lib/       every shared library but LibTorch's, CUDA's and glibc's
#   tests/     the test programs, and what they read     data/   presets, variants, tables, class lists
#   share/     boxseg_network.py, for users' own programs, and the digests of TINY_RUN
#   licences/  ours, and those of each Debian package that something was taken from
#   check.sh   checks all of it, on a card where there is one (tests/gpu)
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
floor=2.36  # Debian 12; Ubuntu 24.04 has 2.39

refuse() {
  echo "bundle: $1" >&2
  exit "${2:-1}"
}

# --- where -------------------------------------------------------------------------------------------------------------
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}')
if [ "$(printf '%s\n' "$glibc" "$floor" | sort -V | tail -n 1)" != "$floor" ]; then
  refuse "this system has glibc ${glibc:-of an unknown version}; programs built here would not start on Debian 12 (glibc $floor), so bundles are made there" 2
fi
[ "$1" != can-be-made-here ] || exit 0

build=$1 version=$2 flavour=$3 tiny=$4 output=$5
name=boxseg-$version-$flavour
[ -e "$tiny/metrics.json" ] || refuse "$tiny is no finished run of the preset tiny"

mkdir -p "$output"
root=$output/$name.part
rm -rf "$root"
mkdir -p "$root"/{bin,libexec,lib,tests/support,tests/io,tests/python,licences,share}

# --- programs ----------------------------------------------------------------------------------------------------------
needs() {  # needs LIBRARY PROGRAM; not grep -q, which would end objdump early, and that counts as a failure
  objdump -p "$2" | grep "NEEDED *$1\." >/dev/null
}

place() {  # place PROGRAM FOLDER: a copy that finds our libraries; a script in FOLDER and the copy in libexec/ if it needs LibTorch
  local program=$1 folder=$2 base=${1##*/} target
  if needs libtorch_cpu "$program"; then
    target=$root/libexec/$base
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/../libexec/beside_torch" %s "$@"\n' "$base" > "$root/$folder/$base"
    chmod +x "$root/$folder/$base"
  else
    target=$root/$folder/$base
  fi
  put "$program" "$target"
}

put() {  # put PROGRAM TARGET
  strip --strip-all -o "$2" "$1"
  # DT_RPATH and not DT_RUNPATH: it also counts for what our libraries need, and before LD_LIBRARY_PATH, where modules of
  # clusters and conda keep other versions of HDF5 and libstdc++.
  patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$2"
}

programs=()
for program in "$build"/bin/* "$build"/libexec/* "$build"/tests/test_* "$build"/tests/gpu_*; do
  [ -f "$program" ] && [ -x "$program" ] || continue
  # Tests that compare with OpenCV's image codecs need the 130 libraries behind them.
  if needs libopencv_imgcodecs "$program"; then echo "bundle: without ${program##*/}, which needs OpenCV's image codecs"
  else programs+=("$program"); fi
done
for program in "${programs[@]}"; do
  case $program in
    "$build"/libexec/*) put "$program" "$root/libexec/${program##*/}" ;;
    *) place "$program" "$(basename "$(dirname "$program")")" ;;
  esac
done
cp "$here/beside_torch" "$root/libexec/"

# --- libraries ---------------------------------------------------------------------------------------------------------
# Every one that the loader finds for a program, but those that must come from the system (glibc), with the driver, or with
# LibTorch. libstdc++ comes along: one of a process has to be new enough for us and for LibTorch, and the wheels of LibTorch
# ask for less than what compiled us. libgomp must not come along: LibTorch brings its own.
left_out='^(linux-vdso|ld-linux-x86-64|libc|libm|libmvec|libpthread|libdl|librt|libresolv|libutil|libanl)\.so|^(libtorch|libc10|libshm|libgomp)|^lib(cuda|cudart|cupti|cublas|cublasLt|cufft|cufile|curand|cusolver|cusparse|cusparseLt|cudnn[a-z_]*|nccl|nvrtc|nvJitLink|nvshmem_host|nvToolsExt|nvperf_host|nvidia-[a-z]+)\.so'
# Ours, loaded when an unusual photograph is read (common/io/codecs). It goes along, but OpenCV's own image codecs and the
# 130 libraries behind them (GDAL, for one) do not: it finds them where the system has the same OpenCV, and says so if not.
for library in "$build"/lib/*.so; do
  [ ! -e "$library" ] || { strip --strip-unneeded -o "$root/lib/${library##*/}" "$library"
                           patchelf --force-rpath --set-rpath '$ORIGIN' "$root/lib/${library##*/}"; }
done
taken=()
while read -r library path; do
  [[ ! $library =~ $left_out ]] || continue
  [ "$path" != not ] || refuse "the loader does not find $library; run make -f Makefile.pipeline setup"
  cp -L "$path" "$root/lib/$library"
  chmod 644 "$root/lib/$library"
  patchelf --force-rpath --set-rpath '$ORIGIN' "$root/lib/$library"
  taken+=("$path")
done < <(for program in "${programs[@]}"; do ldd "$program"; done | awk '$2 == "=>" {print $1, $3}' | sort -u)

# --- data and tests ----------------------------------------------------------------------------------------------------
mkdir "$root/data"
cp -r "$source"/data/{classes,presets,tables,variants} "$root/data/"
cp "$source/tests/support/fingerprints.txt" "$root/tests/support/"
cp "$source"/tests/io/*.{mat,py} "$root/tests/io/"
cp "$source"/tests/python/*.py "$root/tests/python/"
cp "$source/stage3_segment/boxseg_network.py" "$root/share/"
mkdir "$root/tests/gpu"
cp "$source"/tests/gpu/*.{sh,py} "$root/tests/gpu/"
printf '#!/bin/sh\nexec bash "$(dirname "$(readlink -f "$0")")/tests/gpu/check.sh" "$@"\n' > "$root/check.sh"
chmod +x "$root/check.sh"
"$build/tests/gpu_files" digests "$tiny" > "$root/share/tiny.digests"
printf 'boxseg %s %s\ntorch 2.11\nglibc %s\n' "$version" "$flavour" "$floor" > "$root/bundle.txt"

# --- licences ----------------------------------------------------------------------------------------------------------
cp "$source/LICENSE" "$root/licences/boxseg"
package_of() {  # the Debian package that a file belongs to; /lib is a link to /usr/lib
  local real
  real=$(readlink -f "$1")
  { dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}" 2>/dev/null || dpkg-query -S "$1"; } | sed -n 1p | cut -d: -f1
}
packages=(libfmt-dev nlohmann-json3-dev libsimdjson-dev libxxhash-dev catch2)  # compiled into the programs
for path in "${taken[@]}"; do packages+=("$(package_of "$path")"); done
while read -r package; do
  cp -L "/usr/share/doc/$package/copyright" "$root/licences/$package"
done < <(printf '%s\n' "${packages[@]}" | sort -u)
mkdir "$root/licences/common"
grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.-]+[A-Za-z0-9]' "$root/licences" | sort -u | while read -r text; do
  [ ! -e "$text" ] || cp -L "$text" "$root/licences/common/"
done

# --- checked, then packed ----------------------------------------------------------------------------------------------
bash "$here/check_floor.sh" "$root" "$floor"
rm -rf "${output:?}/$name"
mv "$root" "$output/$name"
tar -C "$output" --owner=0 --group=0 --numeric-owner --sort=name -cf - "$name" | zstd -q -19 -T0 -f -o "$output/$name.tar.zst.part"
mv "$output/$name.tar.zst.part" "$output/$name.tar.zst"
echo "bundle: $output/$name.tar.zst, $(($(stat -c %s "$output/$name.tar.zst") / 1000)) kB, $(find "$output/$name/lib" -type f | wc -l) libraries"
