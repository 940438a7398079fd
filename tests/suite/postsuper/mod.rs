//! postsuper against Postfix's own: generated calls on generated spools, and
//! what has to hold whatever happens: crashes, hostile spools, full disks,
//! running mail systems.

mod generated;
