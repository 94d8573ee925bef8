//! Measures Portolan beside a bare upload and beside the tools of today, in one run, and prints ratios.

fn main() {}
