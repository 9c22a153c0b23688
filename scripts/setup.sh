#!/usr/bin/env bash
# Installs the Debian packages that are missing for `run` (build and run), `test` (that and the tests' tools) or
# `container` (all of that, and what builds and runs the image).
# Does nothing, quickly, when all are there. Where packages come from is the machine's own apt configuration.
#
# usage: scripts/setup.sh run|test|container
set -euo pipefail

# rust-version in Cargo.toml.
readonly rust_needed=92

# The certificates are for cargo's downloads: nothing here depends on them.
build=(build-essential ca-certificates pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev)
media=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-nice gstreamer1.0-pulseaudio gstreamer1.0-x)
# Mesa: the drivers, and the software renderer that the tests run on.
opengl=(libegl1 libgl1-mesa-dri gstreamer1.0-gl)
desktop=(xvfb xauth pulseaudio dbus dbus-x11)
# Only where no other session is there: see launcher/src/services/session.rs.
mate=(mate-desktop-environment-core mate-terminal mate-backgrounds desktop-base fonts-dejavu-core libglib2.0-bin)
sessions=(mate-session openbox fluxbox icewm marco xfwm4 metacity twm x-window-manager)
tests=(chromium chromium-driver firefox-esr iproute2 util-linux coturn xterm x11-apps x11-utils xclip pulseaudio-utils nftables
  joystick libsdl2-2.0-0 libfaketime python3 novnc x11vnc shellcheck
  xdotool python3-xlib) # `make bench-input` alone needs the last two
# Only where devices of the kernel can be made and so tested.
[[ ! -e /dev/uinput ]] || tests+=(udev xserver-xorg-core xserver-xorg-video-dummy xserver-xorg-input-libinput)
containers=(buildah catatonit mmdebstrap podman runc uidmap)
# Either will do; the second is twenty times smaller.
cjk_fonts=(fonts-noto-cjk fonts-wqy-microhei)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The names among the arguments that are not installed.
missing_of() {
  local -A installed=()
  local name state
  while read -r name state; do
    [[ $state != installed ]] || installed[$name]=1
    # One unknown name makes dpkg-query fail, after it has told about the others.
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name; do
    [[ -n ${installed[$name]:-} ]] || printf '%s\n' "$name"
  done
}

rust_is_new_enough() {
  have cargo && have rustc || return 1
  local version
  # Fails, rather than downloads, where rustup lacks the toolchain of rust-toolchain.toml: then cargo says so itself.
  version=$(rustc --version 2>/dev/null) || return 1
  [[ $version =~ ^rustc\ 1\.([0-9]+)\. ]] && ((BASH_REMATCH[1] >= rust_needed))
}

# Debian's stable rustc is too old; the one that Debian keeps for building browsers is not.
rust_packages() {
  local candidate minor
  if have rustup; then
    die "cargo and rustc 1.$rust_needed or newer are needed: run \"rustup toolchain install\" in this folder"
  fi
  candidate=$(apt-cache policy rustc-web 2>/dev/null | sed -n 's/^ *Candidate: *//p')
  minor=$(sed -n 's/^1\.\([0-9]*\)\..*/\1/p' <<<"$candidate")
  if [[ -z $minor ]] || ((minor < rust_needed)); then
    die "cargo and rustc 1.$rust_needed or newer are needed, and this system's packages have none: install Rust" \
      "with rustup (https://rustup.rs), then try again"
  fi
  printf '%s\n' rustc-web cargo-web
  [[ $mode != test ]] || printf '%s\n' rustfmt-web rust-web-clippy
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "packages have to be installed: run \"$*\" as root, then try again"
  fi
}

install() {
  # No recommended packages: a MATE core with them is a whole office.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

mode=${1:-}
[[ $mode == run || $mode == test || $mode == container ]] || die "usage: $0 run|test|container"
have dpkg-query || die "this is not a Debian system; install what ${BASH_SOURCE[0]} lists by other means"

wanted=("${build[@]}" "${media[@]}" "${opengl[@]}" "${desktop[@]}")
if [[ $mode == container ]]; then
  wanted+=("${containers[@]}")
  mode="test"
fi
if [[ $mode == test ]]; then
  wanted+=("${tests[@]}")
  if [[ $(missing_of "${cjk_fonts[@]}" | wc -l) == "${#cjk_fonts[@]}" ]]; then
    wanted+=("${cjk_fonts[1]}")
  fi
  have node || wanted+=(nodejs)
  have npm || wanted+=(npm)
  # Whoever has taken Debian's compiler takes its tools too.
  if have cargo && ! have rustup; then
    have cargo-fmt || wanted+=(rustfmt-web)
    have cargo-clippy || wanted+=(rust-web-clippy)
  fi
fi

session=
for name in "${sessions[@]}"; do
  if have "$name"; then
    session=$name
    break
  fi
done
[[ -n $session ]] || wanted+=("${mate[@]}")

mapfile -t missing < <(missing_of "${wanted[@]}")

if [[ ${#missing[@]} -gt 0 ]] || ! rust_is_new_enough; then
  # A fresh container has no package lists at all, and then nothing can be found.
  if ! apt-cache show "${missing[0]:-xvfb}" >/dev/null 2>&1; then
    say "fetching the package lists"
    as_root apt-get update
  fi
fi

if ! rust_is_new_enough; then
  # Not in a process substitution: what it refuses has to end us.
  rust=$(rust_packages)
  mapfile -t rust <<<"$rust"
  say "no cargo with rustc 1.$rust_needed or newer here: taking ${rust[*]}"
  missing+=("${rust[@]}")
fi

if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

[[ -n $session ]] || say "no desktop session here: taking MATE"
say "to $([[ $mode == run ]] && echo 'build and run' || echo 'build, run and test'), installing: ${missing[*]}"
if ! install "${missing[@]}"; then
  say "that did not work; once more, with fresh package lists"
  as_root apt-get update
  install "${missing[@]}"
fi
rust_is_new_enough || die "there is still no cargo with rustc 1.$rust_needed or newer in PATH"
