#!/usr/bin/env bash
# Collects what check.sh wants on another machine into one folder to carry there: pack.sh DEST [OPTION...]
#   --bundle FILE       build/bundle/boxseg-*-cuda.tar.zst by default, or -cpu where there is no other
#   --shared DIR        ../shared by default: golden data, and photographs
#   --classifier FILE   classifier.pt of stage 1 that knows VOC's classes (make PRESET=voc_subset VOC=... stage1/bap)
#   --peers DIR         a clone of the authors' code, or a folder with one; its Python files go along
# There: DEST/run.sh [OPTIONS OF check.sh] unpacks the bundle and checks the machine. Fails above 56 MB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
most=56000000 photos=64
# Of stage2.h5, 22 MB for seven photographs, two: one object, and overlapping ones in portrait format; and one without
# background.
stage2_groups=(weight 2009_005055 2007_006490 no_background)

usage() { echo "pack.sh: $1" >&2; exit 2; }
[ $# -ge 1 ] || usage 'expected: pack.sh DEST [--bundle FILE] [--shared DIR] [--classifier FILE] [--peers DIR]'
dest=$1
shift
bundle='' shared=$project/../shared classifier='' peers=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] && [ -e "$2" ] || usage "$1 ${2:-}: expected an option and a file or folder that is there"
  case $1 in
    --bundle) bundle=$2 ;;
    --shared) shared=$2 ;;
    --classifier) classifier=$2 ;;
    --peers) peers=$2 ;;
    *) usage "$1: no such option" ;;
  esac
  shift 2
done
if [ -z "$bundle" ]; then
  for bundle in "$project"/build/bundle/boxseg-*-{cuda,cpu}.tar.zst; do [ ! -e "$bundle" ] || break; done
  [ -e "$bundle" ] || usage 'no bundle in build/bundle; make -f Makefile.pipeline bundle CUDA=1'
fi
[ ! -e "$dest" ] || usage "$dest: is there already"
mkdir -p "$dest"
options=()

# xz, which tar, CMake or Python read; zstd is not everywhere.
name=$(basename "${bundle%.tar.zst}")
zstd -q -d -c "$bundle" | xz -9e -T0 > "$dest/$name.tar.xz"
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
tar -C "$unpacked" -xJf "$dest/$name.tar.xz"

if [ -d "$shared/golden" ]; then
  mkdir -p "$dest/shared/golden"
  for file in bap losses nets steps; do cp "$shared/golden/$file.h5" "$dest/shared/golden/"; done
  "$unpacked/$name/tests/gpu_files" cut "$shared/golden/stage2.h5" "$dest/shared/golden/stage2.h5" "${stage2_groups[@]}"
  options+=('--shared "$here/shared"')
fi

# The smallest photographs whose longer side is VOC's usual 500 pixels: smaller files, but the usual work.
voc=$shared/voc2012-subset
if [ -d "$voc/JPEGImages" ]; then
  mkdir -p "$dest/photos"/{JPEGImages,Annotations}
  while read -r _ photo; do
    id=$(basename "$photo" .jpg)
    grep -qE '<(width|height)>500<' "$voc/Annotations/$id.xml" || continue
    cp "$photo" "$dest/photos/JPEGImages/"
    cp "$voc/Annotations/$id.xml" "$dest/photos/Annotations/"
    photos=$((photos - 1))
    [ "$photos" -gt 0 ] || break
  done < <(find "$voc/JPEGImages/" -name '*.jpg' -printf '%s %p\n' | sort -n)
  options+=('--photos "$here/photos"')
fi
if [ -n "$classifier" ]; then
  cp "$classifier" "$dest/classifier.pt"
  options+=('--classifier "$here/classifier.pt"')
fi
if [ -n "$peers" ]; then
  mkdir "$dest/peers"
  (cd "$peers" && find . -name '*.py' -not -path '*/.git/*' -o -iname 'licen[sc]e*' -not -path '*/.git/*' | tar -cf - -T -) | tar -C "$dest/peers" -xf -
  options+=('--peers "$here/peers"')
fi
cat > "$dest/run.sh" <<END
#!/usr/bin/env bash
# Unpacks the bundle and checks this machine; options of check.sh may follow. Made by tests/gpu/pack.sh.
set -euo pipefail
here=\$(cd "\$(dirname "\$0")" && pwd)
if [ ! -d "\$here/$name" ]; then
  (cd "\$here" && { tar -xf $name.tar.xz || cmake -E tar xf $name.tar.xz || python3 -m tarfile -e $name.tar.xz; })
fi
exec "\$here/$name/check.sh" ${options[@]} "\$@"
END
chmod -R u+w "$dest"
chmod +x "$dest/run.sh"
size=$(find "$dest" -type f -printf '%s\n' | { sum=0; while read -r n; do sum=$((sum + n)); done; echo $sum; })
du -h --apparent-size -d 1 "$dest" >&2
echo "$dest: $((size / 1000)) kB of at most $((most / 1000))"
[ "$size" -le "$most" ] || { echo "pack.sh: $dest is too large to carry" >&2; exit 1; }
