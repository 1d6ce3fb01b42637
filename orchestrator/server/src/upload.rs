//! The way back of a file that was uploaded on an earlier page: its description with a seal, so that a browser brings back only what it
//! has sent itself. Whoever knows no more of a file than its hash has nothing.

use std::sync::OnceLock;

use hmac::{Hmac, Mac as _};
use laufzettel_domain::{
    digest::{from_hex, to_hex},
    file::File,
};
use laufzettel_worker::Desk;
use serde_json::Value;
use sha2::Sha256;

/// Beside the members of a file in what a browser carries.
const SEAL: &str = "siegel";

/// New at every start: what was uploaded before is chosen once more, and that is said.
static KEY: OnceLock<[u8; 32]> = OnceLock::new();

fn mac(desk: &Desk, file: &File) -> Option<Hmac<Sha256>> {
    let key = KEY.get_or_init(|| {
        let mut key = [0; 32];
        desk.tenant.random.fill(&mut key);
        key
    });
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(desk.tenant.id.as_str().as_bytes());
    mac.update(&[0]);
    mac.update(&serde_json::to_vec(file).ok()?);
    Some(mac)
}

/// What the browser sends back for a file.
pub fn sealed(desk: &Desk, file: &File) -> Option<String> {
    let mut told = serde_json::to_value(file).ok()?;
    told.as_object_mut()?.insert(SEAL.to_owned(), Value::String(to_hex(&mac(desk, file)?.finalize().into_bytes())));
    Some(told.to_string())
}

/// The file a browser speaks of, if it got the reference from here.
pub fn opened(desk: &Desk, reference: &str) -> Option<File> {
    let told: Value = serde_json::from_str(reference).ok()?;
    let file = File::from_value(&told)?;
    let seal = from_hex(told.get(SEAL)?.as_str()?)?;
    mac(desk, &file)?.verify_slice(&seal).ok().map(|()| file)
}
