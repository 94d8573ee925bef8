//! The store, without any HTTP.
