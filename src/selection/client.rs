//! Patterns for the client that submitted a message: a host name, an address, or a
//! network.

use std::net::IpAddr;

use super::pattern::Pattern;
use crate::queue_file::submission::Client;

/// A pattern that a client's name or address is compared with.
#[derive(Clone, Debug)]
pub enum ClientPattern {
    /// Compares the host name and the address as text.
    Text(Pattern),
    /// Compares the address, independent of how it is written.
    Address(IpAddr),
    /// Matches addresses in a network with a prefix of this many bits.
    Network(IpAddr, u32),
}

impl ClientPattern {
    /// Parses a pattern from the command line.
    ///
    /// # Errors
    ///
    /// The pattern is invalid; the text says how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        match text.split_once('/') {
            Some((address, length)) if !text.starts_with("re:") => network(address, length)
                .ok_or_else(|| {
                    "a network is an address and a prefix length: 192.0.2.0/24".to_owned()
                }),
            _ if text.is_empty() => Err("give a host name, an address or a network".to_owned()),
            _ => Pattern::parse(text).map(Self::Text),
        }
    }

    /// Whether a client matches the pattern.
    pub fn matches(&self, client: &Client) -> bool {
        let address = || std::str::from_utf8(&client.address).ok()?.parse().ok();
        match self {
            Self::Text(pattern) => [&client.name, &client.address]
                .iter()
                .any(|text| !text.is_empty() && pattern.matches_host(text)),
            Self::Address(wanted) => address() == Some(*wanted),
            Self::Network(network, length) => {
                address().is_some_and(|address| is_in(address, *network, *length))
            }
        }
    }
}

fn network(address: &str, length: &str) -> Option<ClientPattern> {
    let address: IpAddr = address.parse().ok()?;
    let bits = match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let length = length.parse().ok().filter(|length| *length <= bits)?;
    Some(ClientPattern::Network(address, length))
}

fn is_in(address: IpAddr, network: IpAddr, length: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = u32::from(address) ^ u32::from(network);
            differ.leading_zeros() >= length
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = u128::from(address) ^ u128::from(network);
            differ.leading_zeros() >= length
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str, address: &str) -> bool {
        let client = Client {
            name: name.into(),
            address: address.into(),
        };
        ClientPattern::parse(pattern).unwrap().matches(&client)
    }

    #[test]
    fn clients_are_names_addresses_or_networks() {
        assert!(matches("MX.example.com", "mx.example.com", "192.0.2.7"));
        assert!(matches("*.example.com", "mx.example.com", "192.0.2.7"));
        assert!(matches("192.0.2.*", "unknown", "192.0.2.7"));
        assert!(matches("192.0.2.7", "unknown", "192.0.2.7"));
        assert!(matches("192.0.2.0/24", "unknown", "192.0.2.7"));
        assert!(!matches("192.0.2.0/30", "unknown", "192.0.2.7"));
        assert!(matches("0.0.0.0/0", "unknown", "192.0.2.7"));
        assert!(!matches("0.0.0.0/0", "unknown", "2001:db8::1"));
        assert!(matches("2001:db8::/32", "unknown", "2001:db8::1"));
        assert!(matches("2001:DB8:0::1", "unknown", "2001:db8::1"));
        assert!(!matches("re:.", "", ""));
        assert!(!matches("0.0.0.0/0", "unknown", "unknown"));
    }

    #[test]
    fn invalid_networks_are_refused() {
        for wrong in [
            "192.0.2.0/33",
            "192.0.2/24",
            "x/24",
            "192.0.2.0/",
            "::/129",
            "",
        ] {
            assert!(ClientPattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
