//! End to end: the real program, real files, real tool servers, a real browser. One binary for all suites.

mod browser;
mod crash;
mod desk;
mod first_minutes;
mod hooks;
mod house;
mod login;
mod models;
mod permissions;
mod tamper;
