#!/usr/bin/env bash
# One step of check.sh, which sets the variables CHECK_*: step.sh NAME. The last thing said with `found` or `skip` is what the
# report shows of it; CHECK_DATA may hold a JSON value beside it. Exit code 0 right, 77 skipped, any other failed.
set -euo pipefail
export LC_ALL=C
# When check.sh's time limit ends a step, it lasts until its program has ended, too: the next one needs the machine.
trap 'exit 143' TERM
name=$1
here=$(cd "$(dirname "$0")" && pwd)
bin=$CHECK_BUNDLE/bin tests=$CHECK_BUNDLE/tests work=$CHECK_WORK

found() { printf '%s\n' "$*" | tee "$CHECK_NOTE"; }
skip() { found "$@"; exit 77; }
wrong() { found "$@"; exit 1; }
of_json() { sed -n "s/.*\"$1\": \"\{0,1\}\([^,}\"]*\).*/\1/p" <<< "$2"; }  # of_json KEY TEXT: a number or text of one line of JSON
is_less() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -g | sed -n 1p)" = "$1" ]; }

# The first of a name in a list of folders that need not be on PATH.
tool() {
  command -v "$1" || for folder in "${CUDA_HOME:-/usr/local/cuda}" /usr/local/cuda /usr/lib/nvidia-cuda-toolkit; do
    for file in "$folder/bin/$1" "$folder/compute-sanitizer/$1"; do [ ! -x "$file" ] || { echo "$file"; return; }; done
  done
}

# --- versions ------------------------------------------------------------------------------------------------------------
versions() {
  local torch='' parts=() path missing='' count=0 file driver nvcc
  if command -v nvidia-smi >/dev/null && driver=$(nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader); then
    parts+=("card $(head -n 1 <<< "$driver")")
  else parts+=('no card'); fi
  nvcc=$(tool nvcc || true)
  if [ -n "$nvcc" ]; then parts+=("nvcc $("$nvcc" --version | sed -n 's/.*, V//p')"); else parts+=('no nvcc'); fi
  parts+=("glibc $(ldd --version | sed -n '1s/.* //p')" "kernel $(uname -r)")
  [ -z "$TORCH_ROOT" ] || torch=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$TORCH_ROOT/version.py" 2>/dev/null || cat "$TORCH_ROOT/build-version" 2>/dev/null || true)
  parts+=("torch ${torch:-of unknown version} in ${TORCH_ROOT:-nowhere}")
  # Not through bin/, whose program answers before it loads LibTorch.
  local behind="$CHECK_BUNDLE/libexec/beside_torch"
  "$behind" stage1_classify --version || wrong "$(IFS=';'; echo "${parts[*]}"); $("$behind" stage1_classify --version 2>&1 | sed -n 1p)"
  path=$TORCH_ROOT/lib
  for file in "${TORCH_ROOT%/*}"/nvidia/*/lib; do [ ! -d "$file" ] || path=$path:$file; done
  for file in "$CHECK_BUNDLE"/{bin,libexec,tests,lib}/*; do
    # What is loaded on demand may be absent: see licences and README of the bundle.
    [ -f "$file" ] && [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] && [[ $file != */libboxseg_codecs.so ]] || continue
    count=$((count + 1))
    if LD_LIBRARY_PATH=$path ldd "$file" | grep 'not found'; then missing+=" ${file##*/}"; fi
  done
  [ -z "$missing" ] || wrong "libraries are not found for:$missing (see its log)"
  found "$(printf '%s; ' "${parts[@]}")all libraries are found for $count files"
}

# --- tiny: the whole pipeline, as `make -f Makefile.pipeline PRESET=tiny` runs it --------------------------------------------
# plan's recipes one after the other: in plan.mk what is needed by a piece of work stands before it, so no Make is needed.
run_fragment() {
  local line target=''
  while IFS= read -r line; do
    if [[ $line != $'\t'* ]]; then
      target=${line%%:*}
      continue
    fi
    [[ $target != .DEFAULT && $target != verify* ]] || continue
    line=${line#$'\t'}
    while [[ $line = [@-]* ]]; do line=${line#?}; done
    line=${line//\$\$/\$}
    echo "$line"
    sh -c "$line" || return 1
  done < "$1"
}

make_tiny_run() {  # make_tiny_run DEVICE
  (cd "$CHECK_BUNDLE" && "$bin/plan" --run "$work/tiny-$1" --preset tiny --seed 0 --run-options "--threads 1 --device $1" &&
    run_fragment "$work/tiny-$1/plan.mk")
}

tiny_cpu() {
  # Bits of a network depend on the instructions that LibTorch's libraries choose: the same on every machine with AVX2.
  export ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE
  make_tiny_run cpu
  "$tests/gpu_files" digests "$work/tiny-cpu" > "$work/tiny.digests"
  local count
  count=$(wc -l < "$work/tiny.digests")
  if ! diff "$CHECK_BUNDLE/share/tiny.digests" "$work/tiny.digests"; then
    wrong "of $count digests $(diff "$CHECK_BUNDLE/share/tiny.digests" "$work/tiny.digests" | grep -c '^>') differ from the checkout's; first: $(diff "$CHECK_BUNDLE/share/tiny.digests" "$work/tiny.digests" | sed -n 's/^> //p' | sed -n 1p)"
  fi
  found "all stages; $count digests are those of the checkout"
}

equal_labels() {  # equal_labels WHAT A B LEAST: adds to `text`; fails when less than LEAST of the pixels are equal
  local json share
  json=$("$tests/gpu_files" labels "$2" "$3")
  share=$(of_json equal_share "$json")
  echo "$1: $json"
  text+="${text:+; }$1 $share (lowest $(of_json lowest_share "$json"))"
  pieces+="${pieces:+, }\"$1\": $json"
  if is_less "$share" "$4"; then is_bad=1; fi
}

tiny_cuda() {
  [ -e "$work/tiny-cpu/metrics.json" ] || make_tiny_run cpu
  local cpu=$work/tiny-cpu device=$work/tiny-$CHECK_DEVICE text='' pieces='' is_bad=''
  [ "$CHECK_DEVICE" != cpu ] || { device=$work/tiny-again; cp -r "$cpu" "$device"; }
  [ "$CHECK_DEVICE" = cpu ] || make_tiny_run "$CHECK_DEVICE"
  # Training drifts apart from the first rounding on, so equal labels are asked for where the classifier is the same.
  "$bin/stage2_pseudolabel" --config "$cpu/config/stage2-bap-train.ini" --dataset "$cpu/dataset.h5" --split train \
    --checkpoint "$cpu/stage1/bap/classifier.pt" --output "$work/tiny-same" --device "$CHECK_DEVICE"
  for kind in Y_crf Y_ret; do equal_labels "$kind of one classifier" "$cpu/stage2/bap/train/$kind" "$work/tiny-same/$kind" 0.995; done
  equal_labels 'Y_crf, trained there' "$cpu/stage2/bap/train/Y_crf" "$device/stage2/bap/train/Y_crf" 0.9
  equal_labels 'predictions, trained there' "$cpu/stage3/nal/predictions" "$device/stage3/nal/predictions" 0.8
  echo "{$pieces}" > "$CHECK_DATA"
  [ -z "$is_bad" ] || wrong "too few pixels are equal to the CPU's: $text"
  found "equal pixels: $text"
}

# --- tests ---------------------------------------------------------------------------------------------------------------
# run_tests PROGRAM TAGS [COMMAND...]: Catch's summary and its counted skips.
run_tests() {
  local program=$1 tags=$2 log=$work/tests.txt sum skips
  shift 2
  if [ -n "$CHECK_SHARED" ]; then export BOXSEG_SHARED=$CHECK_SHARED; fi
  local code=0
  "$@" "$program" "$tags" > "$log" 2>&1 || code=$?
  cat "$log"
  if grep -q '^No test\(s ran\| cases matched\)' "$log"; then skip "no test of ${program##*/} is tagged $tags"; fi
  sum=$(grep -E '^(All tests passed|test cases:|No tests ran)' "$log" | tail -n 1 | tr -s ' ' || true)
  skips=$(grep -c '^SKIPPED: ' "$log" || true)
  sum="${sum:-no summary}$([ "$skips" = 0 ] || echo "; $skips of them skipped: $(sed -n 's/^SKIPPED: .*: //p' "$log" | sort -u | sed -n 1p)")"
  [ "$code" = 0 ] || return_code=$code
  text=$sum
}

tests_of() {
  local text='' return_code=0
  run_tests "$tests/test_$1" '[cuda]'
  [ "$return_code" = 0 ] || wrong "$text"
  found "$text"
}

golden_of() {
  [ -n "$CHECK_SHARED" ] || skip 'no --shared with golden data'
  local text='' return_code=0
  run_tests "$tests/test_$1" '[golden]~[slow]~[cuda]'
  [ "$return_code" = 0 ] || wrong "$text"
  found "$text"
}

sanitizer_of() {
  local sanitizer text='' return_code=0 errors
  sanitizer=$(tool compute-sanitizer || true)
  [ -n "$sanitizer" ] || skip 'no compute-sanitizer on this machine'
  run_tests "$tests/test_$1" '[cuda]~[golden]~[slow]' "$sanitizer" --tool memcheck --target-processes all --error-exitcode 9
  errors=$(grep 'ERROR SUMMARY' "$work/tests.txt" | tail -n 1 || true)
  [ -n "$errors" ] || skip "compute-sanitizer refuses: $(grep -i error "$work/tests.txt" | sed -n 1p)"
  [ "$return_code" = 0 ] || wrong "${errors#* }; $text"
  found "memcheck: ${errors##*: }; $text"
}

# --- photographs: a dataset of them, as often as asked ------------------------------------------------------------------------
make_dataset() {  # make_dataset TIMES -> sets `dataset`
  [ -n "$CHECK_PHOTOS" ] || skip 'no --photos'
  local times=$1 folder=$work/photos-$1 photo id i
  dataset=$folder/dataset.h5
  [ ! -e "$dataset" ] || return 0
  rm -rf "$folder"
  mkdir -p "$folder"/{JPEGImages,Annotations}
  for photo in "$CHECK_PHOTOS"/JPEGImages/*.jpg; do
    id=${photo##*/} id=${id%.jpg}
    [ -e "$CHECK_PHOTOS/Annotations/$id.xml" ] || continue
    [ "$(wc -l < "$folder/photos.txt" 2>/dev/null || echo 0)" -lt "$((64 * times))" ] || break
    for ((i = 0; i < times; ++i)); do
      ln -s "$photo" "$folder/JPEGImages/${i}_$id.jpg"
      ln -s "$CHECK_PHOTOS/Annotations/$id.xml" "$folder/Annotations/${i}_$id.xml"
      echo "${i}_$id" >> "$folder/photos.txt"
    done
  done
  "$bin/prepare" voc --root "$folder" --split "photos=$folder/photos.txt" --masks none --output "$dataset"
}

# Seconds of the stage by its own manifest, without the start of the program.
label() {  # label CHECKPOINT OUTPUT OPTION... -> sets `wall`
  local checkpoint=$1 output=$2 began=$EPOCHREALTIME
  shift 2
  rm -rf "$output"
  "$bin/stage2_pseudolabel" --dataset "$dataset" --split photos --checkpoint "$checkpoint" --output "$output" "$@"
  wall=$(seconds_since "$began")
}

seconds_since() {  # of EPOCHREALTIME, with three decimals
  local micro=$((${EPOCHREALTIME/./} - ${1/./}))
  printf '%d.%03d' $((micro / 1000000)) $((micro / 1000 % 1000))
}

labels() {
  [ -n "$CHECK_CLASSIFIER" ] || skip 'no --classifier'
  local dataset wall text='' pieces='' is_bad=''
  make_dataset 1
  label "$CHECK_CLASSIFIER" "$work/labels-cpu" --device cpu
  echo "CPU: $wall s"
  label "$CHECK_CLASSIFIER" "$work/labels-device" --device "$CHECK_DEVICE"
  for kind in Y_crf Y_ret; do equal_labels "$kind" "$work/labels-cpu/$kind" "$work/labels-device/$kind" 0.995; done
  echo "{$pieces}" > "$CHECK_DATA"
  [ -z "$is_bad" ] || wrong "too few pixels are equal to the CPU's: $text"
  found "pixels equal to the CPU's: $text"
}

per_second() {  # per_second IMAGES SECONDS, with one decimal
  local ms=${2/./}
  local tenths=$((10000 * $1 / 10#$ms))
  echo "$((tenths / 10)).$((tenths % 10))"
}

stage2() {
  local dataset wall images text='' pieces='' times=8 small=() classifier
  [ -z "$CHECK_TRY" ] || times=1
  make_dataset "$times"
  images=$(wc -l < "${dataset%/*}/photos.txt")
  classifier=$work/vgg16/classifier.pt
  if [ -z "$CHECK_TRY" ]; then small=(--backbone vgg16); else small=(--backbone tiny); fi
  # A VGG-16 from a seed: its labels mean nothing, but take the same work.
  [ -e "$classifier" ] || "$bin/stage1_classify" --dataset "$dataset" --split photos --output "$work/vgg16" --iterations 1 --batch 1 \
    --crop 97 "${small[@]}" --device "$CHECK_DEVICE"
  for file in "$classifier" ${CHECK_CLASSIFIER:+"$CHECK_CLASSIFIER"}; do
    local what=VGG-16
    [ "$file" = "$classifier" ] || what=$(basename "$CHECK_CLASSIFIER")
    label "$file" "$work/stage2-labels" --device "$CHECK_DEVICE" --precision "$1"
    text+="${text:+; }$what $images images in $wall s, $(per_second "$images" "$wall") a second"
    pieces+="${pieces:+, }\"$what\": {\"images\": $images, \"seconds\": $wall, \"threads\": $(nproc)}"
  done
  echo "{$pieces}" > "$CHECK_DATA"
  found "$text, with the start of the program, $(nproc) cores"
}

# --- training steps ------------------------------------------------------------------------------------------------------
# Runs a command that prints "timing" when its warm-up is over and a line of JSON at the end; looks at the card in between.
# nvidia-smi's utilisation is the share of time, over its last sampling period, in which a kernel was running.
timed() {
  local line pid sampler='' json='' usage=$work/usage.txt pipe=$work/timed errors=$work/timed-errors.txt busy=null memory=null
  rm -f "$pipe" "$usage"
  mkfifo "$pipe"
  "$@" > "$pipe" 2> "$errors" &
  pid=$!
  while IFS= read -r line; do
    echo "$line"
    case $line in
      timing)
        [ "$CHECK_DEVICE" = cpu ] || {
          nvidia-smi --query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits -i 0 -lms 100 > "$usage" 2>/dev/null &
          sampler=$!
        } ;;
      '{'*)
        json=$line
        [ -z "$sampler" ] || kill "$sampler" 2>/dev/null || true ;;
    esac
  done < "$pipe"
  cat "$errors" >&2
  wait "$pid" || wrong "$(grep -v '^[[:space:]]*$' "$errors" | tail -n 1)"
  [ -n "$json" ] || wrong 'it printed no result'
  if [ "$(wc -l < "$usage" 2>/dev/null || echo 0)" -gt 1 ]; then
    local sum=0 count=0 percent used most=0
    while IFS=', ' read -r percent used; do
      sum=$((sum + percent)) count=$((count + 1))
      [ "$used" -le "$most" ] || most=$used
    done < <(sed 1d "$usage")  # the first sample still tells of the warm-up
    busy=$((sum / count)) memory=$most
  fi
  echo "${json%\}}, \"busy_percent\": $busy, \"memory_mb\": $memory}" > "$CHECK_DATA"
  text="$(of_json ms "$json") ms a step ($(of_json lowest_ms "$json") to $(of_json highest_ms "$json"))"
  [ "$busy" = null ] || text+="; card busy $busy % of the time; $memory MB in use"
}

sizes() {  # of a batch
  if [ -n "$CHECK_TRY" ]; then echo "--batch 2 --size 65 --warm-up 1 --steps 2"; else echo "--batch 20 --size 321 --warm-up 5 --steps 30"; fi
}

training_steps() {  # STAGE-PRECISION
  local text=''
  # shellcheck disable=SC2046
  timed "$tests/gpu_steps" --stage "${1%-*}" --precision "${1#*-}" --device "$CHECK_DEVICE" $(sizes)
  found "stage ${1%-*}, VGG-16, ${1#*-}: $text"
}

peers() {  # STAGE-default|best
  [ -n "$CHECK_PEERS" ] || skip "no --peers with the authors' code"
  command -v python3 >/dev/null || skip 'no python3'
  python3 -c 'import torch' || skip "python3 cannot import torch: $(python3 -c 'import torch' 2>&1 | tail -n 1)"
  local text=''
  # shellcheck disable=SC2046
  timed python3 "$here/authors_steps.py" --peers "$CHECK_PEERS" --stage "${1%-*}" --mode "${1#*-}" --device "$CHECK_DEVICE" $(sizes)
  found "stage ${1%-*}, the authors' loop, PyTorch at its ${1#*-}: $text"
}

# --- the CRF alone ---------------------------------------------------------------------------------------------------------
# Probabilities as NumPy writes them: all bytes '=' are a float32 of 0.046, about 1/21. The work does not depend on them.
write_probabilities() {  # write_probabilities FILE LABELS HEIGHT WIDTH
  local header
  printf -v header "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d), }" "$2" "$3" "$4"
  {
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header"
    head -c $((4 * $2 * $3 * $4)) /dev/zero | tr '\0' '='
  } > "$1"
}

crf() {
  local photos=$CHECK_PHOTOS photo='' xml width height text='' labels began pieces='' wall
  if [ -z "$photos" ]; then
    photos=$work/crf-photos
    "$bin/prepare" synthetic --images 4 --output "$photos"
  fi
  for photo in "$photos"/JPEGImages/*.jpg; do break; done
  xml=$photos/Annotations/$(basename "${photo%.jpg}").xml
  width=$(sed -n 's/.*<width>\([0-9]*\).*/\1/p' "$xml" | sed -n 1p)
  height=$(sed -n 's/.*<height>\([0-9]*\).*/\1/p' "$xml" | sed -n 1p)
  for labels in 2 21; do
    write_probabilities "$work/probabilities.npy" "$labels" "$height" "$width"
    began=$EPOCHREALTIME
    "$bin/crf" --image "$photo" --probabilities "$work/probabilities.npy" --output "$work/crf.png"
    wall=$(seconds_since "$began")
    text+="${text:+; }$labels labels $wall s"
    pieces+="${pieces:+, }\"$labels\": $wall"
  done
  echo "{\"width\": $width, \"height\": $height, \"seconds\": {$pieces}}" > "$CHECK_DATA"
  found "${width}x$height, $(nproc) cores, with the start of the program: $text"
}

case $name in
  versions) versions ;;
  tiny/cpu) tiny_cpu ;;
  tiny/cuda) tiny_cuda ;;
  tests/*) tests_of "${name#*/}" ;;
  golden/*) golden_of "${name#*/}" ;;
  sanitizer/*) sanitizer_of "${name#*/}" ;;
  labels) labels ;;
  stage2/*) stage2 "${name#*/}" ;;
  steps/*) training_steps "${name#*/}" ;;
  peers/*) peers "${name#*/}" ;;
  crf) crf ;;
  *) wrong "no step is named $name" ;;
esac
