#!/usr/bin/env bash
# Checks an unpacked bundle on this machine, on its card where it has one: whether it is right, then how fast.
#   check.sh [--output DIR] [--only STEP,STEP] [--budget SECONDS] [--shared DIR] [--photos DIR] [--classifier FILE]
#            [--peers DIR] [--try-on-cpu]
# Each step has a time limit, and the next one starts whatever became of it; a step that what is left of the budget (480 s)
# cannot hold is skipped. A skip has a reason and is counted. DIR/report.md and DIR/report.json hold what was found, DIR/logs
# what was printed. Exit code 1 when a step failed, 2 for wrong usage.
#   --only        some of: versions tiny tests labels steps stage2 peers crf sanitizer golden (or one of a kind: steps/1-fast)
#   --shared      folder with golden/, for tests with golden data
#   --photos      folder with JPEGImages/ and Annotations/ as VOC has them
#   --classifier  classifier.pt of stage 1 that knows what is on the photos
#   --peers       a clone of the authors' code (it has stage3_vgg.py), or a folder with one
#   --try-on-cpu  does the card's steps on the CPU, with small sizes, to try this script
# What a step does is in step.sh. Nothing but bash, coreutils, grep, sed and diff is asked for; the steps `peers` want Python
# and its torch, which also serves as TORCH_ROOT where that is not set.
set -uo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
bundle=$(cd "$here/../.." && pwd)

usage() {
  echo "check.sh: $1" >&2
  sed -n 's/^#   check.sh/expected:  check.sh/p; s/^#            \[--peers/          [--peers/p' "$0" >&2
  exit 2
}

output=check-report only='' budget=480 try_on_cpu=''
export CHECK_SHARED='' CHECK_PHOTOS='' CHECK_CLASSIFIER='' CHECK_PEERS=''
while [ $# -gt 0 ]; do
  case $1 in
    --try-on-cpu) try_on_cpu=1; shift; continue ;;
    --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    --output | --only | --budget | --shared | --photos | --classifier | --peers) [ $# -ge 2 ] || usage "$1: its value is missing" ;;
    *) usage "$1: no such option" ;;
  esac
  case $1 in
    --output) output=$2 ;;
    --only) only=$2 ;;
    --budget) budget=$2 ;;
    *)
      [ -e "$2" ] || usage "$1 $2: there is no such file or folder"
      named=$(readlink -f "$2")
      case $1 in
        --shared) CHECK_SHARED=$named ;;
        --photos) CHECK_PHOTOS=$named ;;
        --classifier) CHECK_CLASSIFIER=$named ;;
        --peers) CHECK_PEERS=$named ;;
      esac
      ;;
  esac
  shift 2
done
[[ $budget =~ ^[0-9]+$ ]] || usage "--budget $budget: expected a number of seconds"
[ -e "$bundle/bundle.txt" ] || usage "$bundle has no bundle.txt; run it in an unpacked bundle"

# --- the steps: NAME, seconds after which it is ended, seconds it is not worth starting below, whether it wants the card --------
steps=('versions 30 3 -' 'tiny/cpu 150 15 -' 'tiny/cuda 90 20 card')
for test in "$bundle"/tests/test_*; do
  [ -x "$test" ] || continue
  unit=${test##*/test_}
  steps+=("tests/$unit 120 10 card")
done
steps+=('labels 120 30 card'
  'steps/1-exact 60 15 card' 'steps/1-fast 60 15 card' 'steps/3-exact 60 15 card' 'steps/3-fast 60 15 card'
  'stage2/exact 90 25 card' 'stage2/fast 90 25 card'
  'peers/1-default 60 20 card' 'peers/1-best 120 40 card' 'peers/3-default 60 20 card' 'peers/3-best 120 40 card'
  'crf 60 5 -' 'sanitizer/nn 90 20 card' 'sanitizer/stage1 90 20 card' 'sanitizer/stage3 90 20 card'
  'golden/nn 120 20 -' 'golden/stage1 120 20 -' 'golden/stage3 120 20 -')

if [ -n "$only" ]; then
  known=" $(printf '%s\n' "${steps[@]}" | sed 's/ .*//; p; s,/.*,,' | sort -u | tr '\n' ' ')"
  for name in ${only//,/ }; do
    [[ $known = *" $name "* ]] || usage "--only $name: no such step; they are:$known"
  done
fi
is_wanted() {  # is_wanted NAME
  [ -z "$only" ] || [[ ,$only, = *",$1,"* || ,$only, = *",${1%%/*},"* ]]
}

# --- this machine --------------------------------------------------------------------------------------------------------
if [ -z "${TORCH_ROOT:-}" ] && command -v python3 >/dev/null; then
  TORCH_ROOT=$(python3 -c 'import importlib.util as u; s = u.find_spec("torch"); print(*(s.submodule_search_locations if s else ""))')
fi
export TORCH_ROOT=${TORCH_ROOT:-}
read -r _ version flavour < "$bundle/bundle.txt"
no_card=
if [ -n "$try_on_cpu" ]; then export CHECK_DEVICE=cpu
elif [ "$flavour" != cuda ]; then no_card='this bundle is for CPUs'
elif ! nvidia-smi -L 2>/dev/null | grep '^GPU' >/dev/null; then no_card='no card: nvidia-smi lists none'
fi
export CHECK_DEVICE=${CHECK_DEVICE:-cuda} CHECK_TRY=$try_on_cpu CHECK_BUNDLE=$bundle CHECK_FLAVOUR=$flavour
mkdir -p "$output/logs" || exit 2
output=$(cd "$output" && pwd)
CHECK_WORK=$(mktemp -d "${TMPDIR:-/tmp}/boxseg-check.XXXXXX") || exit 2
export CHECK_WORK
trap 'rm -rf "$CHECK_WORK"' EXIT

json_text() {  # a JSON string of $1, in which there are no control characters but line ends
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/ }
  printf '"%s"' "${text//[$'\t\r']/ }"
}

# --- one after the other -------------------------------------------------------------------------------------------------
start=$SECONDS names=() states=() seconds=() notes=() data=()
add_row() {  # add_row NAME STATE SECONDS NOTE DATA
  names+=("$1") states+=("$2") seconds+=("$3") notes+=("$4") data+=("$5")
  printf '%-18s %-8s %4s s  %s\n' "$1" "$2" "$3" "$4"
}

for entry in "${steps[@]}"; do
  read -r name limit worth wants <<< "$entry"
  [ -z "$try_on_cpu" ] || limit=$((4 * limit))  # bfloat16 alone takes ten times as long on most of them
  is_wanted "$name" || continue
  left=$((budget - (SECONDS - start)))
  if [ "$wants" = card ] && [ -n "$no_card" ]; then
    add_row "$name" skipped 0 "$no_card" null
    continue
  elif [ "$left" -lt "$worth" ]; then
    add_row "$name" skipped 0 "$left s are left of the budget, and it takes $worth at least" null
    continue
  fi
  [ "$limit" -le "$left" ] || limit=$left
  log=$output/logs/${name//\//-}.txt
  export CHECK_NOTE=$CHECK_WORK/note CHECK_DATA=$CHECK_WORK/data
  rm -f "$CHECK_NOTE" "$CHECK_DATA"
  began=$SECONDS
  timeout --kill-after=5 "$limit" bash "$here/step.sh" "$name" > "$log" 2>&1 < /dev/null
  code=$?
  note=$(cat "$CHECK_NOTE" 2>/dev/null)
  found=$(cat "$CHECK_DATA" 2>/dev/null)
  case $code in
    0) state=ok ;;
    77) state=skipped ;;
    124 | 137) state=failed note="not done after $limit s${note:+; $note}" ;;
    *) state=failed note=${note:-$(grep -v '^[[:space:]]*$' "$log" | tail -n 1)} ;;
  esac
  add_row "$name" "$state" "$((SECONDS - began))" "$note" "${found:-null}"
done

# --- the report ----------------------------------------------------------------------------------------------------------
failed=0 skipped=0 ok=0
for state in "${states[@]}"; do
  case $state in ok) ok=$((ok + 1)) ;; skipped) skipped=$((skipped + 1)) ;; *) failed=$((failed + 1)) ;; esac
done
machine=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | sed -n 1p)
machine="${machine:-unknown CPU}, $(nproc) cores; $(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | sed -n 1p || true)"
machine=${machine%; }
remark=${try_on_cpu:+" The card's steps ran on the CPU, with small sizes."}
sum="$ok ok, $failed failed, $skipped skipped in $((SECONDS - start)) s"
{
  echo "# boxseg $version ($flavour): check of a machine"
  echo
  echo "$machine; $sum.$remark"
  echo
  echo '| step | | s | found |'
  echo '|---|---|---|---|'
  for i in "${!names[@]}"; do echo "| ${names[i]} | ${states[i]} | ${seconds[i]} | ${notes[i]//|/\\|} |"; done
} > "$output/report.md"
{
  printf '{"version": %s, "flavour": %s, "machine": %s, "tried_on_cpu": %s, "budget_s": %s, "seconds": %s,\n' "$(json_text "$version")" \
    "$(json_text "$flavour")" "$(json_text "$machine")" "$([ -n "$try_on_cpu" ] && echo true || echo false)" "$budget" "$((SECONDS - start))"
  printf ' "ok": %s, "failed": %s, "skipped": %s, "steps": [' "$ok" "$failed" "$skipped"
  for i in "${!names[@]}"; do
    [ "$i" = 0 ] || printf ','
    printf '\n  {"step": %s, "state": "%s", "seconds": %s, "found": %s, "data": %s}' "$(json_text "${names[i]}")" "${states[i]}" \
      "${seconds[i]}" "$(json_text "${notes[i]}")" "${data[i]}"
  done
  printf '\n]}\n'
} > "$output/report.json"
echo "$sum; $output/report.md"
[ "$failed" = 0 ]
