//! The methods of `recommender.v1.UserService`.

mod consents;
mod erasing;
mod export;
mod links;

use std::pin::Pin;

use recommender_store::Store;
use recommender_store::identity::Identifier;
use tokio::time::{Instant, timeout_at};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::convert::{self, Violations, identities, names};
use crate::proto::longrunning::Operation;
use crate::proto::user_service_server::UserService;
use crate::proto::{
    EraseUserRequest, ErasureReceipt, ExportUserDataRequest, ExportUserDataResponse,
    GetErasureReceiptRequest, GetUserRequest, LinkIdentitiesRequest, LinkIdentitiesResponse,
    ListErasureReceiptsRequest, ListErasureReceiptsResponse, ResolveIdentityRequest,
    ResolveIdentityResponse, SetConsentRequest, SetConsentResponse, UnlinkIdentitiesRequest,
    UnlinkIdentitiesResponse, User,
};
use crate::resource::name_of;
use crate::security::Caller;
use crate::service::deadline;
use crate::service::event_ids;
use crate::service::replays::{Repeatable, Replays};
use crate::shop::Shop;
use crate::status::Refusal;
use crate::workers::WorkError;

/// Longest evidence or reason, in bytes.
const MAX_TEXT: usize = 1000;

/// The service.
#[derive(Debug)]
pub(crate) struct Users {
    shop: Shop,
    replays: Replays,
}

impl Users {
    pub(crate) fn new(shop: Shop) -> Self {
        Self {
            shop,
            replays: Replays::default(),
        }
    }

    /// Does `work`, or gives what the call of the same request id gave. Of the request only a digest is remembered:
    /// whoever is erased is not kept here.
    async fn once<R: Clone + Send + Sync + 'static>(
        &self,
        (caller, method, id): (&Caller, &'static str, &str),
        (request, deadline): (&impl prost::Message, Instant),
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> Result<Response<R>, Status> {
        let digest = event_ids::digest(request);
        let work = async move {
            let done = timeout_at(deadline, work).await;
            done.unwrap_or_else(|_| Err(WorkError::DeadlineExceeded.into()))
        };
        let call = Repeatable {
            caller,
            method,
            id,
            request: &digest,
        };
        Ok(Response::new(self.replays.once(call, work).await?))
    }
}

impl Shop {
    /// The identifier that the resource name of a user is of.
    fn user(&self, name: &str, wrong: &mut Violations) -> Option<Identifier> {
        let id = convert::id_in(("name", name), (&self.catalog, identities::USERS), wrong);
        if id.is_empty() {
            return None;
        }
        identities::of_name(&id, "name", wrong)
    }

    /// The person of an identifier.
    fn person(&self, store: &Store, identifier: &Identifier) -> Result<User, Refusal> {
        let person = store.resolve(identifier)?;
        let consent = store.consent(identifier)?;
        let id = identities::name_id(&person.key);
        Ok(User {
            name: name_of(&self.catalog, identities::USERS, &id),
            ids: person
                .identifiers
                .iter()
                .map(identities::external)
                .collect(),
            consent: names::wire_consent(consent).into(),
        })
    }

    fn get_user(&self, request: &GetUserRequest) -> Result<User, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let Some(identifier) = self.user(&request.name, &mut wrong) else {
            return Err(wrong.into());
        };
        self.person(store, &identifier)
    }

    fn resolve(&self, request: &ResolveIdentityRequest) -> Result<User, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.catalog, &mut wrong);
        let id = request.id.clone().unwrap_or_default();
        let identifier = identities::of_external(&id, "id", &mut wrong);
        let (Some(identifier), true) = (identifier, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        self.person(store, &identifier)
    }
}

/// Notes that a text is too long, if it is.
fn bound_text(field: &str, text: &str, wrong: &mut Violations) {
    if text.len() > MAX_TEXT {
        let found = format!("expected at most {MAX_TEXT} bytes, found {}", text.len());
        wrong.add(field, found);
    }
}

#[tonic::async_trait]
impl UserService for Users {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        Ok(Response::new(self.shop.get_user(request.get_ref())?))
    }

    async fn resolve_identity(
        &self,
        request: Request<ResolveIdentityRequest>,
    ) -> Result<Response<ResolveIdentityResponse>, Status> {
        let user = self.shop.resolve(request.get_ref())?;
        Ok(Response::new(ResolveIdentityResponse { user: Some(user) }))
    }

    async fn link_identities(
        &self,
        request: Request<LinkIdentitiesRequest>,
    ) -> Result<Response<LinkIdentitiesResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "LinkIdentities", &*request.request_id.clone());
        let (shop, by, digested) = (self.shop.clone(), caller.clone(), request.clone());
        let work = async move { shop.link(request, &by).await };
        self.once(call, (&digested, deadline), work).await
    }

    async fn unlink_identities(
        &self,
        request: Request<UnlinkIdentitiesRequest>,
    ) -> Result<Response<UnlinkIdentitiesResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "UnlinkIdentities", &*request.request_id.clone());
        let (shop, by, digested) = (self.shop.clone(), caller.clone(), request.clone());
        let work = async move { shop.unlink(request, &by).await };
        self.once(call, (&digested, deadline), work).await
    }

    async fn set_consent(
        &self,
        request: Request<SetConsentRequest>,
    ) -> Result<Response<SetConsentResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "SetConsent", &*request.request_id.clone());
        let (shop, by, digested) = (self.shop.clone(), caller.clone(), request.clone());
        let work = async move { shop.set_consent(request, &by).await };
        self.once(call, (&digested, deadline), work).await
    }

    type ExportUserDataStream =
        Pin<Box<dyn Stream<Item = Result<ExportUserDataResponse, Status>> + Send>>;

    async fn export_user_data(
        &self,
        request: Request<ExportUserDataRequest>,
    ) -> Result<Response<Self::ExportUserDataStream>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let by = Caller::of(request.extensions());
        let export = self.shop.export(request.get_ref(), &by, deadline).await?;
        Ok(Response::new(Box::pin(export)))
    }

    async fn erase_user(
        &self,
        request: Request<EraseUserRequest>,
    ) -> Result<Response<Operation>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = (&caller, "EraseUser", &*request.request_id.clone());
        let (shop, by, digested) = (self.shop.clone(), caller.clone(), request.clone());
        let work = async move { shop.erase(request, &by) };
        self.once(call, (&digested, deadline), work).await
    }

    async fn get_erasure_receipt(
        &self,
        request: Request<GetErasureReceiptRequest>,
    ) -> Result<Response<ErasureReceipt>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let receipt = self.shop.receipt(request.get_ref(), deadline).await?;
        Ok(Response::new(receipt))
    }

    async fn list_erasure_receipts(
        &self,
        request: Request<ListErasureReceiptsRequest>,
    ) -> Result<Response<ListErasureReceiptsResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let receipts = self.shop.receipts(request.get_ref(), deadline).await?;
        Ok(Response::new(receipts))
    }
}
