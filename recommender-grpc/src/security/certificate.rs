//! What a certificate says of its holder. Its signature is rustls's affair; this only reads names and times, and gives
//! nothing for what is not written as the standard wants it.

/// Tags of the encoding (X.690) that certificates (RFC 5280) are made of.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const OBJECT_ID: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
    pub(super) const DNS_NAME: u8 = 0x82;
    pub(super) const URI: u8 = 0x86;
}

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// Bytes that are read value by value.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value and its tag.
    fn next(&mut self) -> Option<(u8, Reader<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let length = digits
                    .iter()
                    .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Reader(value)))
    }

    /// The next value, if it has this tag.
    fn expect(&mut self, expected: u8) -> Option<Reader<'a>> {
        self.next()
            .filter(|(tag, _)| *tag == expected)
            .map(|(_, value)| value)
    }

    fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.0)
            .ok()
            .filter(|text| !text.is_empty())
    }
}

/// The parts of a certificate that matter here.
struct Parts<'a> {
    validity: Reader<'a>,
    subject: Reader<'a>,
    extensions: Option<Reader<'a>>,
}

fn parts(certificate: &[u8]) -> Option<Parts<'_>> {
    let mut signed = Reader(certificate)
        .expect(tag::SEQUENCE)?
        .expect(tag::SEQUENCE)?;
    let (first, _) = signed.next()?;
    if first == tag::VERSION {
        signed.next()?; // The serial number, which is the first where there is no version.
    }
    signed.expect(tag::SEQUENCE)?; // How it is signed.
    signed.expect(tag::SEQUENCE)?; // By whom.
    let validity = signed.expect(tag::SEQUENCE)?;
    let subject = signed.expect(tag::SEQUENCE)?;
    let mut extensions = None;
    while let Some((tag, mut value)) = signed.next() {
        if tag == tag::EXTENSIONS {
            extensions = value.expect(tag::SEQUENCE);
        }
    }
    Some(Parts {
        validity,
        subject,
        extensions,
    })
}

/// The name of the holder of `certificate` (DER): her first URI, else her first DNS name, else her common name.
pub(crate) fn holder(certificate: &[u8]) -> Option<&str> {
    let parts = parts(certificate)?;
    let names = parts.extensions.and_then(alternative_names);
    let named = |tag| {
        names
            .and_then(|names| first(names, tag))
            .and_then(Reader::text)
    };
    named(tag::URI)
        .or_else(|| named(tag::DNS_NAME))
        .or_else(|| common_name(parts.subject))
}

fn alternative_names(mut extensions: Reader<'_>) -> Option<Reader<'_>> {
    while let Some(mut extension) = extensions.expect(tag::SEQUENCE) {
        if extension.expect(tag::OBJECT_ID)?.0 != ALTERNATIVE_NAMES {
            continue;
        }
        let (mut kind, mut value) = extension.next()?;
        if kind == tag::BOOLEAN {
            (kind, value) = extension.next()?;
        }
        return (kind == tag::OCTETS)
            .then_some(value)?
            .expect(tag::SEQUENCE);
    }
    None
}

fn first(mut values: Reader<'_>, wanted: u8) -> Option<Reader<'_>> {
    while let Some((tag, value)) = values.next() {
        if tag == wanted {
            return Some(value);
        }
    }
    None
}

fn common_name(mut subject: Reader<'_>) -> Option<&str> {
    while let Some(mut set) = subject.expect(tag::SET) {
        let mut attribute = set.expect(tag::SEQUENCE)?;
        if attribute.expect(tag::OBJECT_ID)?.0 == COMMON_NAME {
            return attribute.next()?.1.text();
        }
    }
    None
}

/// When `certificate` (DER) ends, in seconds since 1970.
pub(crate) fn ends(certificate: &[u8]) -> Option<i64> {
    let mut validity = parts(certificate)?.validity;
    validity.next()?;
    let (tag, time) = validity.next()?;
    let digits = time.text()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        tag::UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        tag::TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let pair = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let days = days_since_1970(year, pair(0)?, pair(2)?);
    Some(((days * 24 + pair(4)?) * 60 + pair(6)?) * 60 + pair(8)?)
}

/// Days from the first of January 1970 to this day of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March end in the leap day, so that months before it have one length each.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + leaps + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Shop");
        params.distinguished_name.push(DnType::CommonName, "till-7");
        params.subject_alt_names = names;
        params.not_after = rcgen::date_time_ymd(2031, 2, 28);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_holder_is_known_by_her_uri_else_her_host_else_her_common_name() {
        let dns = SanType::DnsName("till.shop.example".try_into().unwrap());
        let uri = SanType::URI("spiffe://shop/till".try_into().unwrap());
        assert_eq!(holder(&certificate(vec![])), Some("till-7"));
        let host = certificate(vec![dns.clone()]);
        assert_eq!(holder(&host), Some("till.shop.example"));
        let both = certificate(vec![dns, uri]);
        assert_eq!(holder(&both), Some("spiffe://shop/till"));
    }

    #[test]
    fn the_end_of_a_certificate_is_read() {
        assert_eq!(ends(&certificate(vec![])), Some(1_930_003_200));
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 2, 29), 11_016);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
    }

    #[test]
    fn what_is_no_certificate_has_no_holder() {
        let whole = certificate(vec![]);
        for length in 0..whole.len() {
            // Reading a piece gives nothing or, where only the signature is missing, the name: it never panics.
            let _ = (holder(&whole[..length]), ends(&whole[..length]));
        }
        assert_eq!(holder(b"\x30\x84\xff\xff\xff\xff"), None);
        assert_eq!(holder(&[]), None);
    }
}
