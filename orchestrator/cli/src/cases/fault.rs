//! What can befall one call of a case.

use laufzettel_domain::Text;

/// A call, counted from 1 in the order they are made, and what befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub call: usize,
    pub harm: Harm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// The program stops before the call is made; another one begins.
    StopBefore,
    /// It stops when the other side has acted, and before it has heard so.
    StopAfter,
    /// No answer comes, and the other side has not acted.
    TimeoutBefore,
    /// No answer comes, though the other side has acted.
    TimeoutAfter,
    /// The other side is not there.
    Unavailable,
    /// The other side says no.
    Refused,
}

impl Harm {
    pub const ALL: [Self; 6] = [Self::StopBefore, Self::StopAfter, Self::TimeoutBefore, Self::TimeoutAfter, Self::Unavailable, Self::Refused];

    /// As a line of a report has it.
    pub fn words(self) -> Text {
        let (de, en) = match self {
            Self::StopBefore => ("Programm endet vor dem Aufruf", "the program ends before the call"),
            Self::StopAfter => ("Programm endet nach dem Aufruf", "the program ends after the call"),
            Self::TimeoutBefore => ("keine Antwort, nichts geschehen", "no answer, nothing done"),
            Self::TimeoutAfter => ("keine Antwort, aber geschehen", "no answer, but done"),
            Self::Unavailable => ("nicht erreichbar", "not reachable"),
            Self::Refused => ("abgelehnt", "refused"),
        };
        Text::new(de, en)
    }

    pub fn acts(self) -> bool {
        matches!(self, Self::StopAfter | Self::TimeoutAfter)
    }

    pub fn stops(self) -> bool {
        matches!(self, Self::StopBefore | Self::StopAfter)
    }
}
