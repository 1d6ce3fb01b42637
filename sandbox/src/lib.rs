//! Confinement for tool servers: foreign code that the engine starts and talks to over stdin and stdout.
//!
//! Every layer is applied by a helper, the engine's own binary started again, before it becomes the program:
//!
//! ```text
//! engine ── command() ──▶ helper "watcher"      own user, mount, pid, ipc, uts, net, cgroup namespaces
//!                            │                  lives until the program or the engine ends
//!                            └─▶ "first"         process 1 inside: new root, no capabilities, reaps orphans
//!                                  └─▶ program   Landlock, limits, no descriptors but 0 1 2, seccomp, execve
//! ```
//!
//! A layer that is not fully in force means: a message on stderr, the [`Layer`]'s exit code, and no program.
//! What is absent: network access for the confined (`Network::Allow` is refused), limits on the sum of what several
//! processes or the writable folders take (that needs cgroups and quotas), and any dependency on the other rooms.

mod calls;
mod files;
mod helper;
mod identity;
mod launch;
mod limits;
mod policy;
mod refusal;
mod root;
mod sys;
mod trees;
mod watch;

pub use helper::{is_helper, run_helper};
pub use launch::{Error, available, command};
pub use policy::{Network, Policy};
pub use refusal::Layer;
