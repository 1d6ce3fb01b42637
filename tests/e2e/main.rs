//! End to end: the real program, real files, real tool servers, a real browser. One binary for all suites.

mod anew;
mod books;
mod browser;
mod crash;
mod delegation;
mod desk;
mod directory;
mod disk;
mod erasure;
mod first_minutes;
mod hooks;
mod house;
mod injections;
mod interface;
mod language;
mod login;
mod models;
mod permissions;
mod remote;
mod restore;
mod settle;
mod tamper;
mod views;
mod waits;
