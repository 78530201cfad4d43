#!/usr/bin/env bash
# Runs the test suite on the Pythons of Debian trixie (3.13) and sid (3.14).
#
#   tools/pythons.sh [FOLDER [PYTEST-ARGUMENT…]]
#
# Each Python lives in a root file system of its own below FOLDER (default: /var/tmp/gemini-replay-pythons, 3 GB in
# all). A root that is there already is used again; remove FOLDER when you are done. To run a part of the suite, or
# one release, name it:
#
#   RELEASES=sid tools/pythons.sh /var/tmp/pythons tests/engine -k virtual
#
# Needs: a Debian machine with network, root, debootstrap, unshare (util-linux) and git. The Debian mirror, pip's
# configuration, certificates and proxies are those of this machine. GEMINI_REPLAY_CORPUS and GEMINI_REPLAY_VECTORS
# are passed on where they are set.
set -euo pipefail

checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="${1:-/var/tmp/gemini-replay-pythons}"
shift $(($# > 0))
releases="${RELEASES:-trixie sid}"
packages=(ca-certificates python3 python3-venv curl redis-server jq nodejs)

fail() {
  echo "pythons.sh: $*" >&2
  exit 2
}

[ "$(id -u)" = 0 ] || fail "needs root, for debootstrap and chroot."
for program in apt-get debootstrap unshare chroot git; do
  command -v "$program" >/dev/null || fail "needs $program (apt-get install debootstrap util-linux git)."
done
mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
  sort -u | head -n 1)"
[ -n "$mirror" ] || fail "found no Debian mirror in this machine's apt sources (run apt-get update first)."

# In the chroot: a virtual environment, what the tests need, and the tests.
inside='
set -euo pipefail
export HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /checkout
[ -x /venv/bin/pip ] || python3 -m venv /venv
/venv/bin/pip install -q --upgrade -e ".[dev]"
/venv/bin/python --version
exec nice /venv/bin/pytest -q -n 2 -p no:cacheprovider "$@"
'

# In a mount namespace of its own, so that no mount outlives the run, however it ends.
mounting='
set -euo pipefail
root="$1" inside="$2"
shift 2
bind() {
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root$(dirname "$1")" && touch "$root$1"; fi
  mount --rbind "$1" "$root$1"
}
for path in /proc /sys /dev; do bind "$path"; done
while IFS= read -r path; do bind "$path"; done <"$root/shared-paths"
exec chroot "$root" bash -c "$inside" bash "$@"
'

# The files and folders that pip and the tests look for outside of the checkout: certificates, local indexes, data.
shared_paths() {
  {
    printf '%s\n' /etc/resolv.conf /etc/hosts /etc/ssl/certs /usr/local/share/ca-certificates /usr/share/ca-certificates
    printf '%s\n' "${GEMINI_REPLAY_CORPUS:-}" "${GEMINI_REPLAY_VECTORS:-}"
    printf '%s\n' /etc/pip.conf /etc/xdg/pip ~/.config/pip ~/.pip ~/.netrc
    {
      cat /etc/pip.conf /etc/xdg/pip/pip.conf ~/.config/pip/pip.conf ~/.pip/pip.conf 2>/dev/null || true
      env | grep -E '^PIP_|_CA_BUNDLE=|^SSL_CERT_' || true
    } | grep -oE '(^|[ =]|file://)/[^ ]+' | sed -E 's#^([ =]|file://)##; s#/simple/*$##'  # an index's files may lie beside its pages
  } | while IFS= read -r path; do
    if [ -n "$path" ] && [ -e "$path" ]; then realpath -s "$path"; fi
  done | sort -u
}

# All releases test the checkout as it is now.
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
git -C "$checkout" ls-files -z --cached --others --exclude-standard |
  tar --create --directory="$checkout" --null --files-from=- --ignore-failed-read --file="$work/checkout.tar"

status=0
for release in $releases; do
  root="$folder/$release"
  printf '\n== %s\n' "$release"
  if [ ! -e "$root/usr/bin/python3" ]; then
    mkdir -p "$folder"
    debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" "$release" "$root" "$mirror" \
      >"$folder/$release.log" 2>&1 || fail "debootstrap of $release failed; see $folder/$release.log."
  fi
  rm -rf "$root/checkout"
  mkdir -p "$root/checkout"
  tar --extract --directory="$root/checkout" --file="$work/checkout.tar"
  shared_paths >"$root/shared-paths"
  unshare --mount --propagation private bash -c "$mounting" bash "$root" "$inside" "$@" || status=1
done
exit "$status"
