//! Where a request comes from, as far as it counts: the address of whoever connects, and the network that address stands for. Pure; refuses
//! to believe anybody but a proxy on this machine.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap},
};

/// Who connects. A proxy on this machine says whom it speaks for: its own entry is the last one. Nobody else is asked.
pub fn address(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())?;
    let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|v| v.to_str().ok());
    let last = told.and_then(|list| list.rsplit(',').next()).and_then(|ip| ip.trim().parse().ok());
    // a socket of both kinds of addresses sees IPv4 as `::ffff:…`
    Some(last.filter(|_| peer.to_canonical().is_loopback()).unwrap_or(peer))
}

/// What is counted as one: of IPv6 the first 64 bits, for whoever has one address has its whole network.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The network a request is counted against; all of which nobody knows it are one.
pub fn counted(request: &Request) -> String {
    address(request.extensions(), request.headers()).map_or_else(String::new, |address| network(address).to_string())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn addresses_and_what_they_are_counted_as() {
        for (peer, told, expected, counts) in [
            (Some("10.0.0.9:5"), None, Some("10.0.0.9"), "10.0.0.9"),
            (Some("10.0.0.9:5"), Some("1.2.3.4"), Some("10.0.0.9"), "10.0.0.9"),
            (Some("127.0.0.1:5"), Some("1.2.3.4"), Some("1.2.3.4"), "1.2.3.4"),
            (Some("127.0.0.1:5"), Some("9.9.9.9, 1.2.3.4"), Some("1.2.3.4"), "1.2.3.4"),
            (Some("127.0.0.1:5"), Some("unsinn"), Some("127.0.0.1"), "127.0.0.1"),
            (Some("[::ffff:127.0.0.1]:5"), Some("1.2.3.4"), Some("1.2.3.4"), "1.2.3.4"),
            (Some("[::ffff:10.0.0.9]:5"), Some("1.2.3.4"), Some("::ffff:10.0.0.9"), "10.0.0.9"),
            (Some("[::1]:5"), None, Some("::1"), "::"),
            (Some("[::1]:5"), Some("2001:db8:1:2::5"), Some("2001:db8:1:2::5"), "2001:db8:1:2::"),
            (Some("[2001:db8:1:2:ffff::9]:5"), None, Some("2001:db8:1:2:ffff::9"), "2001:db8:1:2::"),
            (Some("[2001:db8:1:3::5]:5"), None, Some("2001:db8:1:3::5"), "2001:db8:1:3::"),
            (None, Some("1.2.3.4"), None, ""),
        ] {
            let mut request = Request::new(Body::empty());
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            }
            if let Some(told) = told {
                request.headers_mut().insert("x-forwarded-for", told.parse().unwrap());
            }
            assert_eq!(address(request.extensions(), request.headers()), expected.map(|e| e.parse().unwrap()), "{peer:?} {told:?}");
            assert_eq!(counted(&request), counts, "{peer:?} {told:?}");
        }
    }
}
