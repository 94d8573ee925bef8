//! The SSH client against OpenSSH's own server: who is believed, who gets in, and what runs there.

mod commands;
mod host_keys;
mod login;
mod site;
mod sudo;
