#!/usr/bin/env bash
# Refuses what would not run on an older system: check_floor.sh FOLDER [GLIBC] reads every ELF file below FOLDER and fails
# when one needs a newer glibc than GLIBC (2.36: Debian 12; Ubuntu 24.04 has 2.39), or a library that is neither in
# FOLDER/lib, nor of glibc, LibTorch or CUDA. LibTorch's own libgomp has to stay the only one of its process, so nothing
# in the folder may be, or need, another.
set -euo pipefail
export LC_ALL=C
folder=$1
floor=${2:-2.36}
system='^(ld-linux-x86-64|libc|libm|libmvec|libpthread|libdl|librt|libresolv|libutil|libanl)\.so'
beside='^(libtorch|libc10)[a-z_0-9]*\.so|^lib(cudart|cupti|cuda)\.so'

is_newer() {  # is_newer A B: A > B, as versions
  [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}

files=0 faults=()
while IFS= read -r -d '' file; do
  [ "$(head -c 4 "$file" | od -An -tx1 | tr -d ' \n')" = 7f454c46 ] || continue
  files=$((files + 1))
  name=${file#"$folder"/}
  # The section "Version needs" names a library, and below it the versions of its symbols.
  while read -r library version; do
    case $version in
      GLIBC_ABI_DT_RELR) is_newer 2.36 "$floor" && faults+=("$name needs $version of $library") ;;
      GLIBC_[0-9]*) ! is_newer "${version#GLIBC_}" "$floor" || faults+=("$name needs $version of $library; the floor is $floor") ;;
      GLIBC_*) faults+=("$name needs $version of $library, which no version of glibc promises") ;;
    esac || true
  done < <(readelf -V "$file" 2>/dev/null | awk '/Version needs/ {on = 1} /Version definition/ {on = 0}
    on && /File:/ {for (i = 1; i < NF; ++i) if ($i == "File:") library = $(i + 1)}
    on && /Name:/ {for (i = 1; i < NF; ++i) if ($i == "Name:") print library, $(i + 1)}')
  while read -r library; do
    if [[ $library = libtorch_cpu.so && $name = @(bin|tests)/* ]]; then faults+=("$name needs LibTorch, so its place is libexec/, behind a script")
    elif [[ $library = libgomp* ]]; then faults+=("$name needs $library itself; only LibTorch's may be loaded")
    elif [[ $name = lib/libboxseg_codecs.so && $library = libopencv_imgcodecs.so.* ]]; then :  # may be absent: it is loaded on demand
    elif [ ! -e "$folder/lib/$library" ] && ! [[ $library =~ $system || $library =~ $beside ]]; then
      faults+=("$name needs $library, which is not in lib/")
    fi
  done < <(readelf -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
  [[ ${file##*/} != libgomp* ]] || faults+=("$name is bundled; only LibTorch's may be loaded")
done < <(find "$folder" -type f -print0 | sort -z)

if [ "$files" = 0 ]; then
  echo "check_floor: $folder holds no programs" >&2
  exit 1
fi
if [ ${#faults[@]} -gt 0 ]; then
  printf 'check_floor: %s\n' "${faults[@]}" >&2
  exit 1
fi
echo "check_floor: $files ELF files need glibc $floor at most"
