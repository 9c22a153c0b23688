#!/usr/bin/env bash
# Installs what `make bench-desktop` measures us beside: Selkies 2 from PyPI into target/peers, noVNC and Xpra from Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${CARGO_TARGET_DIR:-target}/peers

missing=()
for program in x11vnc:x11vnc websockify:websockify /usr/share/novnc/vnc.html:novnc xpra:xpra gst-launch-1.0:gstreamer1.0-tools python3:python3; do
  [[ -e ${program%:*} ]] || command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
  apt-get update
  apt-get install --yes --no-install-recommends "${missing[@]}"
fi

if [[ ! -x $folder/selkies/bin/selkies ]]; then
  mkdir -p "$folder"
  python3 -m venv "$folder/selkies"
  # The version that the published numbers are of.
  "$folder/selkies/bin/pip" install --quiet selkies==2.1.0
fi
