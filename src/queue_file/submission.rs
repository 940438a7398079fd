//! How a message was submitted: the envelope attributes that name the client and
//! the login.

use bstr::ByteSlice;

/// A client that submitted a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The host name, or `unknown`.
    pub name: Vec<u8>,
    /// The network address.
    pub address: Vec<u8>,
}

impl Client {
    /// Whether its name or address is known.
    pub fn is_named(&self) -> bool {
        !self.name.is_empty() || !self.address.is_empty()
    }

    fn clear(&mut self) {
        self.name.clear();
        self.address.clear();
    }
}

/// The submission attributes of an envelope, unchanged.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// The SASL login name; empty if there was no login.
    pub sasl_user: Vec<u8>,
    /// The client as it is logged. For mail that came through a proxy, this is the
    /// client of the proxy.
    logged: Client,
    /// The client that connected to Postfix.
    nearest: Client,
}

impl Submission {
    /// Removes all attributes.
    pub fn clear(&mut self) {
        self.sasl_user.clear();
        self.logged.clear();
        self.nearest.clear();
    }

    /// Stores an attribute `name=value` if it is one of those in this struct.
    pub fn note(&mut self, attribute: &[u8]) {
        let Some((name, value)) = attribute.split_once_str("=") else {
            return;
        };
        let field = match name {
            b"sasl_username" => &mut self.sasl_user,
            b"log_client_name" => &mut self.logged.name,
            b"log_client_address" => &mut self.logged.address,
            b"client_name" => &mut self.nearest.name,
            b"client_address" => &mut self.nearest.address,
            _ => return,
        };
        field.clear();
        field.extend_from_slice(value);
    }

    /// The logged client, or else the connected one.
    pub fn client(&self) -> &Client {
        if self.logged.is_named() {
            &self.logged
        } else {
            &self.nearest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_of_a_proxy_takes_precedence() {
        let mut origin = Submission::default();
        origin.note(b"client_name=proxy");
        origin.note(b"client_address=127.0.0.1");
        assert_eq!(origin.client().name, b"proxy");
        origin.note(b"log_client_name=far");
        origin.note(b"log_client_address=192.0.2.1");
        origin.note(b"no attribute");
        origin.note(b"sasl_username=a=b");
        assert_eq!(origin.client().address, b"192.0.2.1");
        assert_eq!(origin.sasl_user, b"a=b");
        origin.clear();
        assert!(!origin.client().is_named() && origin.sasl_user.is_empty());
    }
}
