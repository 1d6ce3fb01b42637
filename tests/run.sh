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

# a real identity provider for the sign-in
if ! need node || ! need npm; then
  if [ "$(id -u)" != 0 ]; then echo "Bitte als root: apt-get install nodejs npm" >&2; exit 1; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm > /dev/null
fi
(cd tests/oidc && npm ci --no-audit --no-fund --silent)

export CARGO_TERM_COLOR=never
cargo fmt --all --check
cargo clippy -q --workspace --all-targets -- -D clippy::all -D clippy::disallowed_methods -D clippy::unwrap_used -A clippy::pedantic -D warnings
cargo build -q -p laufzettel-cli
cargo test -q --workspace
