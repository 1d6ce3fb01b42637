//! System calls by number, as an attacker makes them: past every library.

use std::ffi::CString;
use std::io;

use libc::c_long;

pub fn call<const N: usize>(number: c_long, given: [c_long; N]) -> io::Result<c_long> {
    let mut a = [0; 6];
    a[..N].copy_from_slice(&given);
    // SAFETY: each caller passes numbers, and pointers to memory it keeps for the duration of the call.
    #[expect(unsafe_code)]
    let answer = unsafe { libc::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// The address of something that outlives the call.
pub fn at<T: ?Sized>(thing: &T) -> c_long {
    std::ptr::from_ref(thing).cast::<u8>().expose_provenance().cast_signed() as c_long
}

/// The address of something the kernel fills in.
pub fn into<T: ?Sized>(thing: &mut T) -> c_long {
    std::ptr::from_mut(thing).cast::<u8>().expose_provenance().cast_signed() as c_long
}

pub fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL in a test's argument")
}

/// The address of a C string.
pub fn of(text: &CString) -> c_long {
    text.as_ptr().expose_provenance().cast_signed() as c_long
}

pub fn number(args: &[String], index: usize) -> c_long {
    args[index].parse().expect("a number")
}

/// A child by bare `clone`; it ends at once when `ends`, else waits for its death.
pub fn child(flags: i32, ends: bool) -> io::Result<c_long> {
    let pid = call(libc::SYS_clone, [c_long::from(flags | libc::SIGCHLD)])?;
    if pid == 0 {
        if !ends {
            let _ = call(libc::SYS_pause, []);
        }
        let _ = call(libc::SYS_exit_group, [0]);
    }
    Ok(pid)
}

pub fn end(pid: c_long) {
    let _ = call(libc::SYS_kill, [pid, 9]);
    let _ = call(libc::SYS_wait4, [pid, 0, 0, 0]);
}
