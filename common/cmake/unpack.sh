# For the set-up's scripts, which have set `deps`: wheels from PyPI, unpacked into folders of ours.

# unpack NAME STAMP REQUIREMENT...: installs pinned wheels without their dependencies into DEPS/NAME, once.
unpack() {
  local folder=$deps/$1 stamp=$2
  shift 2
  [ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  echo "setup: unpacking $*" >&2
  [ -x "$deps/pip/bin/pip" ] || python3 -m venv "$deps/pip"
  rm -rf "$folder" "$folder.part"
  "$deps/pip/bin/pip" install -q --disable-pip-version-check --no-deps --no-compile --target "$folder.part" "$@" >&2
  mv "$folder.part" "$folder"
  echo "$stamp" > "$folder/.stamp"
}
