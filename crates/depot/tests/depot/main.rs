//! The depot over HTTP on loopback, by a plain client and by real ones. Tests are named by the
//! end-point and the section of the specification they come from.

mod access;
mod access_table;
mod bad_input;
mod bad_manifests;
mod chart_index;
mod chart_uploads;
mod chartmuseum;
mod clients;
mod collecting;
mod contents;
mod discovery;
mod full_disk;
mod harbor;
mod helm_charts;
mod management;
mod operations;
mod pull;
mod push_blobs;
mod push_manifests;
mod pushing;
mod restart;
mod sign_in;
mod site;
mod tls;
mod wire;
