//! Why the helper did not start the program: which layer, what it was doing, what the kernel said.

use std::fmt;
use std::io;

/// A layer of the confinement. Its exit code tells the engine which one is missing; a confined program could end
/// with the same number, so the message on stderr belongs to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Order,
    Supervision,
    Identity,
    Namespaces,
    Mounts,
    Privileges,
    Landlock,
    Limits,
    Calls,
    Start,
}

impl Layer {
    const ALL: [Self; 10] = [
        Self::Order,
        Self::Supervision,
        Self::Identity,
        Self::Namespaces,
        Self::Mounts,
        Self::Privileges,
        Self::Landlock,
        Self::Limits,
        Self::Calls,
        Self::Start,
    ];

    pub fn exit_code(self) -> i32 {
        match self {
            Self::Order => 110,
            Self::Supervision => 111,
            Self::Identity => 112,
            Self::Namespaces => 113,
            Self::Mounts => 114,
            Self::Privileges => 115,
            Self::Landlock => 116,
            Self::Limits => 117,
            Self::Calls => 118,
            Self::Start => 119,
        }
    }

    pub fn from_exit_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.exit_code() == code)
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Namespaces => {
                " (unprivileged user namespaces switched off? see user.max_user_namespaces, \
                 kernel.unprivileged_userns_clone, AppArmor's restriction, or the container's own filter)"
            }
            Self::Mounts => {
                " (needs Linux 5.12, and a /proc with nothing mounted over its parts; as root, a file system \
                 that allows mapped owners: otherwise run as an ordinary user)"
            }
            Self::Landlock => " (needs Linux 5.19 or newer with Landlock in the kernel's list of security modules)",
            _ => "",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Order => "order",
            Self::Supervision => "supervision",
            Self::Identity => "identity",
            Self::Namespaces => "namespaces",
            Self::Mounts => "mounts",
            Self::Privileges => "privileges",
            Self::Landlock => "landlock",
            Self::Limits => "limits",
            Self::Calls => "system calls",
            Self::Start => "start",
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{layer}: {doing}: {source}{}", layer.advice())]
pub struct Refusal {
    pub layer: Layer,
    pub doing: String,
    #[source]
    pub source: io::Error,
}

impl Refusal {
    pub fn new(layer: Layer, doing: impl Into<String>, why: &str) -> Self {
        Self { layer, doing: doing.into(), source: io::Error::other(why.to_owned()) }
    }
}

/// Names the layer at the place where the kernel said no.
pub trait InLayer<T> {
    fn refused(self, layer: Layer, doing: &str) -> Result<T, Refusal>;
}

impl<T, E: Into<io::Error>> InLayer<T> for Result<T, E> {
    fn refused(self, layer: Layer, doing: &str) -> Result<T, Refusal> {
        self.map_err(|error| Refusal { layer, doing: doing.to_owned(), source: error.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_lead_back_to_their_layer() {
        for layer in Layer::ALL {
            assert_eq!(Layer::from_exit_code(layer.exit_code()), Some(layer));
        }
        assert_eq!(Layer::from_exit_code(0), None);
    }
}
