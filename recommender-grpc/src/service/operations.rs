//! The methods of `google.longrunning.Operations`.

use tonic::{Request, Response, Status};

use crate::convert::{List, Violations, pages};
use crate::proto::longrunning::operations_server::Operations as OperationsService;
use crate::proto::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
    ListOperationsResponse, Operation, WaitOperationRequest,
};
use crate::service::deadline;
use crate::shop::Shop;
use crate::status::Refusal;

/// What is listed where nobody says how many.
const USUAL: usize = 100;

/// The service.
#[derive(Debug)]
pub(crate) struct LongRunning {
    shop: Shop,
}

impl LongRunning {
    pub(crate) fn new(shop: Shop) -> Self {
        Self { shop }
    }
}

/// How many to list, and before which.
fn page(request: &ListOperationsRequest, list: List) -> Result<(usize, Option<u64>), Refusal> {
    let mut wrong = Violations::default();
    if !matches!(&*request.name, "" | "operations") {
        let found = format!("expected \"operations\", found {:?}", request.name);
        wrong.add("name", found);
    }
    wrong.refuse_if(!request.filter.is_empty(), "filter");
    let size = pages::size(request.page_size, USUAL, &mut wrong);
    let token = &request.page_token;
    let number = |last: Vec<u8>| Some(u64::from_be_bytes(last.try_into().ok()?));
    let before = (!token.is_empty()).then(|| list.last(token).and_then(number));
    if before == Some(None) {
        pages::refuse(&mut wrong);
    }
    wrong.or((size, before.flatten()))
}

#[tonic::async_trait]
impl OperationsService for LongRunning {
    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        // Numbers are those of this process: another has other operations under them.
        let list = self.shop.operations.list_of_all();
        let (size, before) = page(request.get_ref(), list)?;
        let page = self.shop.operations.list(before, size);
        let next = page.next.map(|number| list.token(&number.to_be_bytes()));
        Ok(Response::new(ListOperationsResponse {
            operations: page.operations,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn get_operation(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        let operation = self.shop.operations.get(&request.get_ref().name)?;
        Ok(Response::new(operation))
    }

    async fn delete_operation(
        &self,
        request: Request<DeleteOperationRequest>,
    ) -> Result<Response<()>, Status> {
        self.shop.operations.delete(&request.get_ref().name)?;
        Ok(Response::new(()))
    }

    async fn cancel_operation(
        &self,
        request: Request<CancelOperationRequest>,
    ) -> Result<Response<()>, Status> {
        self.shop.operations.cancel(&request.get_ref().name)?;
        Ok(Response::new(()))
    }

    async fn wait_operation(
        &self,
        request: Request<WaitOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        let mut deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let WaitOperationRequest { name, timeout } = request.into_inner();
        if let Some(timeout) = timeout {
            let Some(timeout) = crate::convert::events::length(timeout) else {
                let mut wrong = Violations::default();
                wrong.add("timeout", "expected a length of time, found a negative one");
                return Err(Refusal::from(wrong).into());
            };
            let asked = tokio::time::Instant::now().checked_add(timeout);
            deadline = asked.map_or(deadline, |asked| asked.min(deadline));
        }
        let operation = self.shop.operations.wait(&name, deadline).await?;
        Ok(Response::new(operation))
    }
}
