//! Rights: who may do what, what a set-gid program trusts, and which rights are dropped
//! when. With real users and real set-gid copies; run by root.

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
