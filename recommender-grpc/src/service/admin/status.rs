//! How the server stands.

use recommender_store::Store;
use tokio::time::Instant;

use super::{Admin, memory, snapshots};
use crate::convert;
use crate::proto::{GetStatusResponse, MemoryStatus, QueueStatus, ServedModelStatus, StoreStatus};
use crate::status::Refusal;
use crate::workers::Workers;

/// Operations looked at to count those that go on.
const OPERATIONS: usize = 1000;

impl Admin {
    pub(super) async fn status(&self, deadline: Instant) -> Result<GetStatusResponse, Refusal> {
        let store = match self.shop.store.clone() {
            None => None,
            // What is in it is counted on the disk.
            Some(store) => {
                let counted = self
                    .shop
                    .background
                    .run(deadline, move |_| of_store(&store));
                Some(counted.await??)
            }
        };
        let operations = self.shop.operations.list(None, OPERATIONS).operations;
        let running = operations.iter().filter(|operation| !operation.done);
        let budget = self.memory_budget_bytes.or_else(memory::allowed_bytes);
        Ok(GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime: convert::duration(self.started.elapsed()),
            store,
            queues: vec![
                queue("answers", &self.shop.workers),
                queue("background", &self.shop.background),
            ],
            memory: Some(MemoryStatus {
                used_bytes: count(memory::used_bytes().unwrap_or(0)),
                budget_bytes: count(budget.unwrap_or(0)),
            }),
            models: self.models(),
            running_operations: count(running.count() as u64),
        })
    }

    fn models(&self) -> Vec<ServedModelStatus> {
        let models = self.shop.models.snapshot();
        let models = models.iter().map(|(id, model)| ServedModelStatus {
            model: id.clone(),
            version: model.version().to_owned(),
            serve_time: Some(model.since().into()),
            data_end_time: Some(convert::events::wire_time(model.data_end())),
        });
        models.collect()
    }
}

fn of_store(store: &Store) -> Result<StoreStatus, Refusal> {
    let status = store.engine().status()?;
    Ok(StoreStatus {
        engine: status.engine,
        position: count(status.position.0),
        contents: Some(snapshots::wire_contents(status.contents)),
        waiting_writes: count(status.waiting as u64),
        refusing: status.refusing.unwrap_or_default(),
        time: Some(convert::events::wire_time(store.now())),
    })
}

fn queue(name: &str, workers: &Workers) -> QueueStatus {
    let capacity = workers.capacity();
    QueueStatus {
        name: name.to_owned(),
        depth: count(capacity.saturating_sub(workers.room()) as u64),
        capacity: count(capacity as u64),
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
