//! Landlock: the grants again, by another mechanism, over the new root.
//!
//! The rights of its second version (Linux 5.19) are demanded. Later ones (truncation, TCP, device ioctls, scopes for
//! signals and abstract sockets) repeat what the mounts, the namespaces and the filter of system calls refuse already
//! and are used where the kernel has them.

use std::error::Error;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope, make_bitflags,
};

use crate::refusal::{InLayer, Layer, Refusal};
use crate::trees::{DEVICES, Grant, Piece};

const DEMANDED: ABI = ABI::V2;
const WELCOME: ABI = ABI::V10;

/// What is allowed where, gathered before the trees are given away.
pub struct Rules(Vec<(std::path::PathBuf, BitFlags<AccessFs>)>);

impl Rules {
    pub fn of(pieces: &[Piece]) -> Self {
        let mut rules: Vec<_> = pieces.iter().filter_map(rule).collect();
        rules.push(("/proc".into(), reading(true) & !AccessFs::Execute));
        rules.push(("/etc".into(), reading(true) & !AccessFs::Execute));
        rules.push(("/tmp".into(), writing(true)));
        Self(rules)
    }

    pub fn enforce(&self) -> Result<(), Refusal> {
        let status = self.created().and_then(|created| Ok(created.restrict_self()?)).map_err(io::Error::other).refused(Layer::Landlock, "restricting files")?;
        let recent = matches!(status.landlock, LandlockStatus::Available { effective_abi, .. } if effective_abi >= DEMANDED);
        if recent && status.no_new_privs && status.ruleset != RulesetStatus::NotEnforced {
            return Ok(());
        }
        Err(Refusal::new(Layer::Landlock, "restricting files", "the kernel's Landlock is missing or too old"))
    }

    fn created(&self) -> Result<RulesetCreated, Box<dyn Error + Send + Sync>> {
        let mut created = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(DEMANDED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(WELCOME))?
            .handle_access(AccessNet::from_all(WELCOME))?
            .scope(Scope::from_all(WELCOME))?
            .create()?;
        for (path, access) in &self.0 {
            created = created.add_rule(PathBeneath::new(PathFd::new(path)?, *access))?;
        }
        Ok(created)
    }
}

fn rule(piece: &Piece) -> Option<(std::path::PathBuf, BitFlags<AccessFs>)> {
    let Piece::Tree(tree) = piece else {
        return None;
    };
    let access = match tree.grant {
        Grant::System | Grant::Read => reading(tree.folder),
        Grant::Write => writing(tree.folder),
        Grant::Device if tree.at == Path::new(DEVICES[0]) => AccessFs::ReadFile | AccessFs::WriteFile,
        Grant::Device => AccessFs::ReadFile.into(),
    };
    Some((tree.at.clone(), access))
}

fn reading(folder: bool) -> BitFlags<AccessFs> {
    fitting(folder, AccessFs::from_read(WELCOME))
}

/// Plain files and folders only: a link, pipe, socket or device left behind could trick whoever opens it outside.
fn writing(folder: bool) -> BitFlags<AccessFs> {
    let plain = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
    });
    fitting(folder, plain)
}

fn fitting(folder: bool, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if folder { access } else { access & AccessFs::from_file(WELCOME) }
}
