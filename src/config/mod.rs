//! main.cf: reading, expansion, typed parameters (spec page 02).
