//! The parameters that only a listing needs. They are read when it begins.

use super::error::ConfigError;
use super::settings::Config;

/// The parameters that only showq reads in Postfix. Errors in them are reported by
/// showq there, not by the tool that requests the listing.
#[derive(Clone, Debug)]
pub struct ListingParameters {
    /// duplicate_filter_limit: the number of recipients that are remembered. 0
    /// means no limit, a negative number none.
    pub duplicate_filter_limit: i32,
    /// empty_address_recipient: shown in place of an empty address.
    pub empty_address_recipient: Vec<u8>,
}

impl Config {
    /// Reads the parameters that only a listing needs.
    ///
    /// # Errors
    ///
    /// One of them cannot be used.
    pub fn listing_parameters(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<ListingParameters, ConfigError> {
        let mut parameters = self.parameters.clone();
        let (limit, address) = ("duplicate_filter_limit", "empty_address_recipient");
        let text = parameters.take(limit, b"1000", warnings)?;
        let duplicate_filter_limit = parameters.integer(limit, &text, i32::MIN)?;
        let text = parameters.take(address, b"MAILER-DAEMON", warnings)?;
        Ok(ListingParameters {
            duplicate_filter_limit,
            empty_address_recipient: parameters.text(address, text, 1)?,
        })
    }
}
