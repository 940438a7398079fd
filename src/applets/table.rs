//! The applets: their names, descriptions and rights.
//!
//! One table serves dispatch, help, completion and installation. The functions
//! that run the applets are in the parent module.

use std::ffi::OsStr;

/// The name of the binary, under which it prints its own help.
pub const FRONT: &str = "spoolbox";
/// An applet.
#[derive(Clone, Copy, Debug)]
pub struct Applet {
    /// The command name.
    pub name: &'static str,
    /// A one-line description.
    pub summary: &'static str,
    /// The rights of a set-gid binary that the applet keeps.
    pub rights: Rights,
}

/// The rights of a set-gid binary that an applet keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// The group, which can reach the sockets below `public/`.
    KeepsGroup,
    /// None: the applet runs with the caller's own rights.
    Own,
}

/// All applets.
pub const APPLETS: &[Applet] = &[
    #[cfg(feature = "browse")]
    Applet {
        name: "browse",
        summary: "look at the mail queue on the whole terminal, and act on it",
        rights: Rights::Own,
    },
    Applet {
        name: "completions",
        summary: "print a script for command-line completion in a shell",
        rights: Rights::Own,
    },
    Applet {
        name: "demo",
        summary: "create a small mail queue to try the other applets with",
        rights: Rights::Own,
    },
    Applet {
        name: "export",
        summary: "write queued messages to an archive, to move them to another host",
        rights: Rights::Own,
    },
    Applet {
        name: "import",
        summary: "read the messages of an archive into the queue",
        rights: Rights::Own,
    },
    Applet {
        name: "install",
        summary: "install the tools below a prefix",
        rights: Rights::Own,
    },
    Applet {
        name: "mailq",
        summary: "list the mail queue",
        rights: Rights::KeepsGroup,
    },
    Applet {
        name: "postcat",
        summary: "show queue files",
        rights: Rights::Own,
    },
    Applet {
        name: "postfix",
        summary: "flush the mail queue (postfix flush); no other command",
        rights: Rights::Own,
    },
    Applet {
        name: "postqueue",
        summary: "list, count, monitor and flush the mail queue",
        rights: Rights::KeepsGroup,
    },
    Applet {
        name: "postsuper",
        summary: "delete, hold, release, requeue and expire messages; repair the queues",
        rights: Rights::Own,
    },
    Applet {
        name: "qshape",
        summary: "count queued mail by domain and age",
        rights: Rights::Own,
    },
    Applet {
        name: "sendmail",
        summary: "list and flush the mail queue (sendmail -bp, -q); not to send mail",
        rights: Rights::KeepsGroup,
    },
    Applet {
        name: "uninstall",
        summary: "remove the files that install created",
        rights: Rights::Own,
    },
];

/// The binary itself, called by a name that is not an applet's.
pub const BINARY: Applet = Applet {
    name: FRONT,
    summary: "",
    rights: Rights::Own,
};

/// Returns the applet with exactly this name.
pub fn find(name: &OsStr) -> Option<&'static Applet> {
    APPLETS.iter().find(|applet| name == applet.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applets_are_found_by_their_exact_name() {
        assert!(find(OsStr::new("mailq")).is_some());
        for name in ["Mailq", "mailq2", "gmailq", "", "xpostqueue"] {
            assert!(find(OsStr::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn the_table_is_in_order_without_doubles() {
        assert!(APPLETS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
