#!/usr/bin/env bash
# Everything that must pass, with what it needs: on a fresh Debian with Rust this is the only command.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" > /dev/null 2>&1; }

# packages of Debian, as root; whoever is not is told which
as_root() { [ "$(id -u)" = 0 ] || { echo "Bitte als root: apt-get install $*" >&2; exit 1; }; }
install() {
  as_root "$@"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

# a real browser for the pages
need chromium && need chromedriver || install chromium chromium-driver gcc libc6-dev
# the commands of docs/api.md
need curl || install curl ca-certificates
# a real identity provider for the sign-in; what finds barriers in pages
need node && need npm || install nodejs npm
for part in oidc browser; do (cd tests/$part && npm ci --no-audit --no-fund --silent); done
# the archive reads PDF through poppler
need pdftotext || install poppler-utils
# the second verifier of the journal checks Ed25519 through it
/usr/bin/python3 -c 'import cryptography' 2> /dev/null || install python3 python3-cryptography

# a real domain controller, begun by the tests in namespaces of their own; no service may start by being installed
if ! need samba-tool || ! need ldapmodify || ! need ip || ! /usr/bin/python3 -c 'import samba' 2> /dev/null || [ ! -d /usr/share/samba/setup ]; then
  packages=(samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind python3-samba ldap-utils iproute2 openssl util-linux)
  as_root "${packages[@]}"
  policy=/usr/sbin/policy-rc.d
  [ ! -e $policy ] || mv $policy $policy.before
  restore() { rm -f $policy; [ ! -e $policy.before ] || mv $policy.before $policy; }
  trap restore EXIT
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  install "${packages[@]}"
  restore
  trap - EXIT
fi

export CARGO_TERM_COLOR=never
cargo fmt --all --check
cargo clippy -q --workspace --all-targets -- -D clippy::all -D clippy::disallowed_methods -D clippy::unwrap_used -A clippy::pedantic -D warnings
# everything at once: a part alone would build its libraries anew with other features
cargo build -q --workspace --all-targets
cargo test -q --workspace
