//! A package into a real registry and a chart repository, planned and carried out.

mod existing;
mod faults;
mod sharing;
mod site;
mod whole;
