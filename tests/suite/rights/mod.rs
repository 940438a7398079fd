//! Rights: who may do what, what a set-gid program believes,
//! what is given up and when. Real users, real set-gid copies; run by root.

mod borrowed;
mod browse;
mod callers;
mod confined;
mod descriptors;
mod environment;
mod listing;
mod programs;
mod traces;
mod zones;
