#!/bin/sh
# Install the Debian packages that pomdft needs, or say which are missing.
# Usage: debian-packages.sh run|test
set -eu

run="build-essential pkg-config python3-dev python3-venv libopenmpi-dev openmpi-bin libxc-dev
libopenblas-dev libfftw3-dev libscalapack-openmpi-dev"
# For the tests of pages and of the queue; without them those tests are skipped.
test="chromium slurm-wlm munge"

case "${1:-run}" in
  run) wanted=$run ;;
  test) wanted=$test ;;
  *) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "This is not Debian: install the equivalents of:" $wanted
  exit 0
fi

missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
  sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  sudo="sudo"
else
  echo "These Debian packages are missing:$missing"
  echo "Ask an administrator to run: apt-get install --no-install-recommends$missing"
  [ "${1:-run}" = test ] && exit 0
  exit 1
fi
echo "Installing Debian packages:$missing"
$sudo apt-get update -q
# Services are not wanted here: the tests start what they need themselves.
$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
  apt-get install -y -q --no-install-recommends $missing
