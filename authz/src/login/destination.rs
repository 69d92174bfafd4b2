//! Where the page to sign in leads when it is not about an authorization request: a closed list, so that nobody is sent
//! elsewhere.

use crate::{
    domain::UserCode,
    routes::{ACCOUNT, DEVICE, LOGIN},
    services::Services,
};

/// One of our own pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The connections of the person.
    Account,
    /// The page of a device, with the code that stood in its address.
    Device(Option<UserCode>),
}

impl Destination {
    /// The name of the parameter that says which.
    pub const PARAMETER: &str = "to";
    /// The name of the parameter with the code of a device.
    pub const USER_CODE: &str = "user_code";

    /// Reads the two parameters. What is unknown is left out: the page then leads nowhere.
    #[must_use]
    pub fn parse(to: Option<&str>, user_code: Option<&str>) -> Option<Self> {
        match to {
            Some("account") => Some(Self::Account),
            Some("device") => Some(Self::Device(user_code.and_then(UserCode::parse))),
            Some(_) | None => None,
        }
    }

    /// The value of [`Self::PARAMETER`].
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Device(_) => "device",
        }
    }

    /// The code of a device, as it is shown.
    #[must_use]
    pub fn user_code(&self) -> Option<String> {
        match self {
            Self::Account | Self::Device(None) => None,
            Self::Device(Some(code)) => Some(code.reveal()),
        }
    }

    /// The address of the page itself.
    #[must_use]
    pub fn address(&self, services: &Services) -> String {
        match self {
            Self::Account => services.public_url.path(ACCOUNT),
            Self::Device(_) => self.with_code(services.public_url.path(DEVICE), '?'),
        }
    }

    /// The address of the page to sign in that leads there.
    #[must_use]
    pub fn login_address(&self, services: &Services) -> String {
        let login = format!("{}?{}={}", services.public_url.path(LOGIN), Self::PARAMETER, self.as_str());
        self.with_code(login, '&')
    }

    /// The characters of a user code need no encoding.
    fn with_code(&self, address: String, separator: char) -> String {
        match self.user_code() {
            Some(code) => format!("{address}{separator}{}={code}", Self::USER_CODE),
            None => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_can_be_named() {
        assert_eq!(Destination::parse(Some("account"), Some("x")), Some(Destination::Account));
        let device = Destination::parse(Some("device"), Some("wdjb mjht")).unwrap();
        assert_eq!(device.user_code().as_deref(), Some("WDJB-MJHT"));
        assert_eq!(Destination::parse(Some("device"), Some("\"><script>")), Some(Destination::Device(None)));
        for elsewhere in ["", "/account", "https://evil.example/", "//evil.example", "Account"] {
            assert_eq!(Destination::parse(Some(elsewhere), None), None, "{elsewhere}");
        }
    }
}
