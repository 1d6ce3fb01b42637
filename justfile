# Thin recipes over plain commands; `just` lists them.

default:
    @just --list

# everything, debug
build:
    cargo build --workspace

# the program to install
release:
    cargo build --release -p laufzettel-cli

# installs what the tests need and runs all of them
test:
    bash tests/run.sh

# what the compiler and the house rules say
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# the shipped processes and their cases
check:
    cargo run -q -p laufzettel-cli -- check workflows
    cargo run -q -p laufzettel-cli -- test workflows

# the long forms of what CI shows in short: two hundred kills, every call of every case disturbed
kill:
    cargo build -q --workspace --all-targets
    LAUFZETTEL_KILL_ROUNDS=200 cargo test -q --workspace --test e2e -- crash::at_random_moments
    target/debug/laufzettel test --faults=all workflows

# every page as a picture; those of the handbook lie in docs/bilder
pictures FOLDER:
    cargo build -q --workspace --all-targets
    LAUFZETTEL_BILDER={{FOLDER}} cargo test -q --workspace --test e2e -- accessible::

# the demo tenant on 127.0.0.1:8080
up:
    cargo run -p laufzettel-cli -- up

# measured on this machine
bench:
    cargo run --release -q -p laufzettel-cli -- bench

# recomputes the demo tenant's journal
verify:
    cargo run -q -p laufzettel-cli -- audit verify

# every change to a decision must be caught by a test (cargo install cargo-mutants --locked)
mutants:
    cargo mutants -p laufzettel-policy -j1 --timeout 20
