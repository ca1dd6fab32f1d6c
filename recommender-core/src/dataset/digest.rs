//! A fingerprint of everything a dataset holds.

use sha2::{Digest, Sha256};

use crate::dataset::Dataset;
use crate::digits::hex;
use crate::error::{Error, Result};
use crate::events::EventRow;
use crate::ids::{DenseIndex, Vocabulary};

impl Dataset {
    /// SHA-256, in hexadecimal, of the keys, the events in use and the products: equal data gives an equal digest,
    /// whatever file it came from. How events are weighed is not part of it.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    pub fn digest(&self) -> Result<String> {
        let mut hash = Sha256::new();
        add_keys(&mut hash, self.users());
        add_keys(&mut hash, self.items());
        add_keys(&mut hash, self.places());
        for event in self.events() {
            add_event(&mut hash, &event);
        }
        for (_, product) in self.catalog().iter() {
            let text = serde_json::to_string(product);
            let text = text.map_err(|error| Error::Internal(error.to_string()))?;
            add_text(&mut hash, &text);
        }
        Ok(hex(&hash.finalize()))
    }
}

fn add_keys<I: DenseIndex>(hash: &mut Sha256, keys: &Vocabulary<I>) {
    hash.update((keys.len() as u64).to_le_bytes());
    keys.iter().for_each(|(_, key)| add_text(hash, key));
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

/// Every column with a fixed width; what is absent has a value that nothing present has.
fn add_event(hash: &mut Sha256, event: &EventRow) {
    hash.update(event.user.0.to_le_bytes());
    hash.update(event.item.0.to_le_bytes());
    add_text(hash, &event.kind.to_string());
    let channel = event.channel.map_or(0, |channel| channel as u32 + 1);
    hash.update(channel.to_le_bytes());
    hash.update(event.place.map_or(u32::MAX, |place| place.0).to_le_bytes());
    hash.update(event.time.0.to_le_bytes());
    hash.update(event.quantity.to_le_bytes());
    hash.update(event.price.unwrap_or(f32::NAN).to_le_bytes());
    hash.update(event.session.unwrap_or(u32::MAX).to_le_bytes());
    hash.update(event.rating.unwrap_or(f32::NAN).to_le_bytes());
}
