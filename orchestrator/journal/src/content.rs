//! Content beside a record: packed bytes, committed to by a keyed hash, erasable without breaking the chain.

use std::io::Write as _;

use flate2::{Compression, Decompress, FlushDecompress, Status, write::DeflateEncoder};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Unpacked content larger than this is refused (64 MiB: twice the largest file, base64 included).
const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Below this the deflate header costs more than it saves.
const COMPRESS_FROM: usize = 512;
/// How much room unpacking asks for at a time.
const ROOM_BYTES: usize = 4096;

/// One marker byte (`0` plain, `1` deflate, RFC 1951), then the bytes.
pub fn pack(json: &[u8]) -> Vec<u8> {
    if json.len() >= COMPRESS_FROM {
        let mut encoder = DeflateEncoder::new(vec![1], Compression::fast());
        let packed = encoder.write_all(json).and_then(|()| encoder.finish());
        if let Ok(packed) = packed
            && packed.len() < json.len()
        {
            return packed;
        }
    }
    let mut plain = Vec::with_capacity(json.len() + 1);
    plain.push(0);
    plain.extend_from_slice(json);
    plain
}

/// `None` if the bytes were never packed here.
pub fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    match packed.split_first()? {
        (0, plain) => (plain.len() <= UNPACKED_BYTES_MAX).then(|| plain.to_vec()),
        (1, deflated) => inflate(deflated),
        _ => None,
    }
}

/// Exactly one whole stream: neither cut off, nor with anything behind it.
fn inflate(deflated: &[u8]) -> Option<Vec<u8>> {
    let mut stream = Decompress::new(false);
    let mut out = Vec::new();
    while out.len() <= UNPACKED_BYTES_MAX {
        out.reserve(ROOM_BYTES);
        let left = deflated.get(usize::try_from(stream.total_in()).ok()?..)?;
        match stream.decompress_vec(left, &mut out, FlushDecompress::None).ok()? {
            Status::Ok => {}
            Status::BufError => return None,
            Status::StreamEnd => return (stream.total_in() == deflated.len() as u64 && out.len() <= UNPACKED_BYTES_MAX).then_some(out),
        }
    }
    None
}

/// HMAC-SHA256 (RFC 2104) of the packed bytes under the record's salt, in hex: what the body carries.
pub fn mac_of(salt: &[u8], packed: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(packed);
    laufzettel_domain::digest::to_hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing() {
        for json in [String::new(), "{}".to_owned(), "x".repeat(10_000)] {
            assert_eq!(unpack(&pack(json.as_bytes())).unwrap(), json.as_bytes());
        }
        assert!(pack("x".repeat(10_000).as_bytes()).len() < 200);
        assert_eq!(unpack(&[]), None);
        assert_eq!(unpack(&[7, 1]), None);
        let packed = pack("x".repeat(10_000).as_bytes());
        assert_eq!(unpack(&packed[..packed.len() - 1]), None);
        assert_eq!(unpack(&[packed.as_slice(), &[0]].concat()), None);
        assert_eq!(unpack(&vec![0; UNPACKED_BYTES_MAX + 1]), Some(vec![0; UNPACKED_BYTES_MAX]));
        assert_eq!(unpack(&vec![0; UNPACKED_BYTES_MAX + 2]), None);
        assert_eq!(unpack(&pack(&vec![b'x'; UNPACKED_BYTES_MAX])).map(|plain| plain.len()), Some(UNPACKED_BYTES_MAX));
        assert_eq!(unpack(&pack(&vec![b'x'; UNPACKED_BYTES_MAX + 1])), None);
        // RFC 4231 test case 2
        assert_eq!(mac_of(b"Jefe", b"what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
