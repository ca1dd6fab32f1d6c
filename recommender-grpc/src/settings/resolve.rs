//! From what was said to settings with no option left open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::raw::Said;
use crate::settings::{
    ConnectionSettings, DirectorySettings, EventSettings, RawSettings, RequestLimits, Settings,
    SettingsError, WorkerSettings, keys,
};

/// Where to listen where nobody says.
const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50051);

impl RawSettings {
    /// The settings that were said, and the defaults for the rest.
    ///
    /// # Errors
    /// [`SettingsError`] with every problem found.
    pub fn resolve(mut self) -> Result<Settings, SettingsError> {
        let hour = 3_600_000;
        let half = (processors() / 2).max(1);
        let settings = Settings {
            listen: self.address(keys::LISTEN).unwrap_or(USUAL_ADDRESS),
            admin_listen: self.address(keys::ADMIN_LISTEN),
            directories: DirectorySettings {
                exports: self.path(keys::EXPORT_DIRECTORY),
                snapshots: self.path(keys::SNAPSHOT_DIRECTORY),
            },
            memory_budget_bytes: Some(self.number(keys::MEMORY_BUDGET, 1..=1 << 60, 0))
                .filter(|&bytes| bytes > 0),
            kept_answers_bytes: self.number(keys::KEPT_ANSWERS, 0..=1 << 34, 32 << 20),
            catalog: self.catalog(),
            serving_configs: self.serving_configs(),
            exploration: self.exploration(),
            fallback_serving_config: self.text(keys::FALLBACK),
            limits: self.limits(),
            workers: WorkerSettings {
                threads: self.number(keys::WORKER_THREADS, 1..=1024, processors()),
                max_queued: self.number(keys::MAX_QUEUED_REQUESTS, 0..=1_000_000, 256),
            },
            connection: ConnectionSettings {
                max_streams: self.number(keys::MAX_CONCURRENT_STREAMS, 1..=100_000, 256),
                max_age: self.millis(keys::MAX_CONNECTION_AGE, 1000..=24 * hour, hour / 2),
            },
            request_timeout: self.millis(keys::REQUEST_TIMEOUT, 1..=hour, 5000),
            drain_timeout: self.millis(keys::DRAIN_TIMEOUT, 0..=hour, 30_000),
            events: self.events(),
            models_directory: self.path(keys::MODELS_DIRECTORY),
            training_threads: self.number(keys::TRAINING_THREADS, 1..=1024, half),
            security: self.security(),
            resilience: self.resilience(),
            telemetry: self.telemetry(),
        };
        self.finish().map(|()| settings)
    }

    fn limits(&mut self) -> RequestLimits {
        let max_page_size = self.number(keys::MAX_PAGE_SIZE, 1..=100_000, 1000);
        let usual_page_size = 20.min(max_page_size);
        RequestLimits {
            max_page_size,
            default_page_size: self.number(
                keys::DEFAULT_PAGE_SIZE,
                1..=max_page_size,
                usual_page_size,
            ),
            max_exclusions: self.number(keys::MAX_EXCLUSIONS, 0..=10_000_000, 100_000),
            max_context_products: self.number(keys::MAX_CONTEXT_PRODUCTS, 1..=1_000_000, 1000),
            max_recent_events: self.number(keys::MAX_RECENT_EVENTS, 1..=1_000_000, 10_000),
            max_batch_requests: self.number(keys::MAX_BATCH_REQUESTS, 1..=10_000, 100),
            max_message_bytes: self.number(keys::MAX_MESSAGE_BYTES, 1024..=1 << 30, 4 << 20),
            max_upload_bytes: self.number(keys::MAX_UPLOAD_BYTES, 1024..=1 << 40, 1 << 30),
        }
    }

    fn address(&mut self, key: &str) -> Option<SocketAddr> {
        let said = self.said.remove(key)?;
        let address = said.value.as_str().and_then(|text| text.parse().ok());
        if address.is_none() {
            let expected = "an address and a port such as \"127.0.0.1:50051\"";
            self.wrong(key, expected, &said);
        }
        address
    }

    fn catalog(&mut self) -> String {
        let said = self.said.get(keys::CATALOG).cloned();
        let catalog = self.text(keys::CATALOG);
        if let (Some(said), Some(name)) = (said, &catalog)
            && !is_resource_id(name)
        {
            self.wrong(keys::CATALOG, RESOURCE_ID, &said);
        }
        catalog.unwrap_or_else(|| "default".to_owned())
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        let said = self.said.remove(key)?;
        let text = said.value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, "a text", &said);
        }
        text
    }

    pub(crate) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let base = self.said.get(key)?.base.clone();
        Some(base.join(self.text(key)?))
    }

    pub(crate) fn number<N: TryFrom<u64> + TryInto<u64> + Copy + std::fmt::Display>(
        &mut self,
        key: &str,
        range: RangeInclusive<N>,
        usual: N,
    ) -> N {
        let Some(said) = self.said.remove(key) else {
            return usual;
        };
        let written = said
            .value
            .as_str()
            .and_then(|text| text.trim().parse().ok());
        let number = (said.value.as_integer())
            .and_then(|number| u64::try_from(number).ok())
            .or(written);
        let bounds = ((*range.start()).try_into(), (*range.end()).try_into());
        if let (Some(number), (Ok(least), Ok(most))) = (number, bounds)
            && (least..=most).contains(&number)
            && let Ok(number) = N::try_from(number)
        {
            return number;
        }
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.wrong(key, &expected, &said);
        usual
    }

    pub(crate) fn millis(&mut self, key: &str, range: RangeInclusive<u64>, usual: u64) -> Duration {
        Duration::from_millis(self.number(key, range, usual))
    }

    fn serving_configs(&mut self) -> BTreeMap<String, PathBuf> {
        let Some(said) = self.said.remove(keys::SERVING_CONFIGS) else {
            return BTreeMap::new();
        };
        let Some(pairs) = name_directory_pairs(&said.value) else {
            let expected = "a table of name = \"directory\" (name=directory,… in the environment)";
            self.wrong(keys::SERVING_CONFIGS, expected, &said);
            return BTreeMap::new();
        };
        for (name, _) in pairs.iter().filter(|(name, _)| !is_resource_id(name)) {
            let key = format!("{}.{name}", keys::SERVING_CONFIGS);
            self.problem(&said.origin, &key, RESOURCE_ID, &format!("{name:?}"));
        }
        pairs
            .into_iter()
            .map(|(name, directory)| (name, said.base.join(directory)))
            .collect()
    }

    fn events(&mut self) -> EventSettings {
        EventSettings {
            custom_types: self.custom_event_types(),
            import_directory: self.path(keys::IMPORT_DIRECTORY),
        }
    }

    fn custom_event_types(&mut self) -> BTreeSet<String> {
        let Some(said) = self.said.remove(keys::CUSTOM_EVENT_TYPES) else {
            return BTreeSet::new();
        };
        let names =
            name_list(&said.value).filter(|names| names.iter().all(|name| !name.is_empty()));
        names.unwrap_or_else(|| {
            let expected = "a list of names (name,… in the environment)";
            self.wrong(keys::CUSTOM_EVENT_TYPES, expected, &said);
            BTreeSet::new()
        })
    }

    pub(crate) fn wrong(&mut self, key: &str, expected: &str, said: &Said) {
        self.problem(&said.origin, key, expected, &said.value);
    }
}

/// What names in resource names look like.
const RESOURCE_ID: &str = "a name of letters, digits, \"-\", \"_\" and \".\"";

/// Whether `name` can stand in a resource name.
pub(crate) fn is_resource_id(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn name_directory_pairs(value: &toml::Value) -> Option<Vec<(String, String)>> {
    if let Some(table) = value.as_table() {
        return table
            .iter()
            .map(|(name, directory)| Some((name.clone(), directory.as_str()?.to_owned())))
            .collect();
    }
    value
        .as_str()?
        .split(',')
        .map(|pair| {
            let (name, directory) = pair.split_once('=')?;
            Some((name.trim().to_owned(), directory.trim().to_owned()))
        })
        .collect()
}

fn name_list(value: &toml::Value) -> Option<BTreeSet<String>> {
    if let Some(list) = value.as_array() {
        return list
            .iter()
            .map(|name| Some(name.as_str()?.to_owned()))
            .collect();
    }
    let names = value.as_str()?.split(',');
    Some(names.map(|name| name.trim().to_owned()).collect())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_ranges() {
        let settings = Settings::default();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:50051");
        assert_eq!(settings.limits.max_message_bytes, 4 * 1024 * 1024);
        assert!(settings.workers.threads >= 1);
    }

    #[test]
    fn event_types_are_a_list_in_a_file_and_in_the_environment() {
        let mut raw = RawSettings::default();
        let text = "custom_event_types = [\"stare\", \"nod\"]\nimport_directory = \"in\"";
        raw.add_toml(text, "server.toml", "/etc/shop".as_ref());
        let events = raw.resolve().unwrap().events;
        assert!(events.custom_types.iter().eq(["nod", "stare"]));
        assert_eq!(
            events.import_directory.unwrap(),
            PathBuf::from("/etc/shop/in")
        );
        let mut raw = RawSettings::default();
        raw.add_environment([("RECOMMENDER_CUSTOM_EVENT_TYPES".into(), "stare, nod".into())]);
        assert_eq!(raw.resolve().unwrap().events.custom_types.len(), 2);
        let mut raw = RawSettings::default();
        raw.add_toml(
            "custom_event_types = [1]\nimport_directory = 2",
            "server.toml",
            "".as_ref(),
        );
        assert_eq!(raw.resolve().unwrap_err().problems.len(), 2);
    }
}
