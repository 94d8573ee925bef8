//! The program `portolan` as a library, so that its tests can reach it.
