#!/usr/bin/env bash
# Everything that must pass, with what it needs: on a fresh Debian with Rust this is the only command.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" > /dev/null 2>&1; }

# a real browser for the pages
if ! need chromium || ! need chromedriver; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install chromium chromium-driver" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver gcc libc6-dev > /dev/null
fi

# the commands of docs/api.md
if ! need curl; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install curl" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl ca-certificates > /dev/null
fi

# a real identity provider for the sign-in
if ! need node || ! need npm; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install nodejs npm" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm > /dev/null
fi
(cd tests/oidc && npm ci --no-audit --no-fund --silent)

# the archive reads PDF through poppler
if ! need pdftotext; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install poppler-utils" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends poppler-utils > /dev/null
fi

# the second verifier of the journal checks Ed25519 through it
if ! /usr/bin/python3 -c 'import cryptography' 2> /dev/null; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install python3 python3-cryptography" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-cryptography > /dev/null
fi

# a real domain controller, begun by the tests in namespaces of their own; no service may start by being installed
if ! need samba-tool || ! need ldapmodify || ! need ip || ! /usr/bin/python3 -c 'import samba' 2> /dev/null || [ ! -d /usr/share/samba/setup ]; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install samba-ad-dc samba-ad-provision ldap-utils" >&2; exit 1; fi
  policy=/usr/sbin/policy-rc.d
  [ ! -e $policy ] || mv $policy $policy.before
  restore() { rm -f $policy; [ ! -e $policy.before ] || mv $policy.before $policy; }
  trap restore EXIT
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends samba samba-ad-dc samba-ad-provision samba-dsdb-modules \
    samba-vfs-modules winbind python3-samba ldap-utils iproute2 openssl util-linux > /dev/null
  restore
  trap - EXIT
fi

export CARGO_TERM_COLOR=never
cargo fmt --all --check
cargo clippy -q --workspace --all-targets -- -D clippy::all -D clippy::disallowed_methods -D clippy::unwrap_used -A clippy::pedantic -D warnings
# everything at once: a part alone would build its libraries anew with other features
cargo build -q --workspace --all-targets
cargo test -q --workspace
