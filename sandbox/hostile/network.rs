//! Anything that leads out of the process by a socket.

use std::io::Result;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use crate::Attempt;
use crate::call::{call, number};

pub const ATTEMPTS: &[Attempt] = &[
    ("tcp-connect", |a| TcpStream::connect(&a[0]).map(drop)),
    ("tcp-listen", |a| TcpListener::bind(&a[0]).map(drop)),
    ("udp-send", |a| UdpSocket::bind("127.0.0.1:0")?.send_to(b"x", &a[0]).map(drop)),
    ("udp-listen", |a| UdpSocket::bind(&a[0]).map(drop)),
    ("unix-connect", |a| UnixStream::connect(&a[0]).map(drop)),
    ("unix-listen", |a| UnixListener::bind(&a[0]).map(drop)),
    ("unix-abstract", |a| abstract_connect(&a[0])),
    ("unix-abstract-listen", |a| abstract_listen(&a[0])),
    ("unix-datagram", |_| UnixDatagram::unbound().map(drop)),
    ("socket", |a| socket(a)),
];

fn abstract_connect(name: &str) -> Result<()> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

fn abstract_listen(name: &str) -> Result<()> {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

/// Family, type, protocol.
fn socket(a: &[String]) -> Result<()> {
    call(libc::SYS_socket, [number(a, 0), number(a, 1), number(a, 2)]).map(drop)
}
