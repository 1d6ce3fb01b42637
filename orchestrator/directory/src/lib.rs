//! Who somebody is, and which groups they are in now. The trial directory is a YAML file.
//!
//! LDAP/Active Directory and OIDC claims are not supported yet; the configuration refuses them by name.

mod file;

pub use file::{Directory, Person};

/// Why nobody can be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Ask again later: not the same as a no.
    #[error("the directory does not answer")]
    Unavailable,
    /// Disabled or expired.
    #[error("the account is disabled or expired")]
    Disabled,
    #[error("nobody of this name")]
    Unknown,
}
