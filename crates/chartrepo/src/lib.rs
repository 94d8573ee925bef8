//! chartrepo
