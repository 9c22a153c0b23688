#!/bin/sh
# Installs packages while an image is built, and leaves neither package lists nor archives in its layer.
#
# usage: install-packages.sh [--more-components] [--architecture NAME] PACKAGE…
#   --more-components   also from Debian's contrib and non-free; Ubuntu's images have all of theirs enabled
#   --architecture      also for this architecture
set -eu

while :; do
  case ${1:-} in
    --more-components)
      for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list; do
        [ ! -f "$file" ] || sed -i -E \
          -e '/^Components:/s/ main( .*)?$/ main contrib non-free non-free-firmware/' \
          -e '/^deb /s/ main( .*)?$/ main contrib non-free non-free-firmware/' "$file"
      done
      shift
      ;;
    --architecture)
      dpkg --add-architecture "$2"
      shift 2
      ;;
    *) break ;;
  esac
done

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log
