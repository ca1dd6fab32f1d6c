//! The layer that finds out who calls, and turns away who may not.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::layers::{Answering, Ending, Next, Onlooker, Passing, watched};
use crate::security::audit::{AuditLog, Entry};
use crate::security::methods::{self, Access, Method};
use crate::security::role::Role;
use crate::security::subject::{KEPT_BYTES, resource_name};
use crate::security::{Caller, Credentials, Peer, Roles, Watched};
use crate::status::Denial;

/// What the layer decides by.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Who may do what; none where everybody may do everything.
    pub(crate) credentials: Option<Watched<Credentials>>,
    /// Whether reflection needs no credentials.
    pub(crate) open_reflection: bool,
    /// Where calls are written down.
    pub(crate) audit: AuditLog,
}

impl Door {
    /// Who makes `request`.
    fn caller<B>(&self, request: &Request<B>, method: Option<&Method>) -> Result<Caller, Denial> {
        let Some(credentials) = &self.credentials else {
            return Ok(Caller::anonymous());
        };
        match method.map(|method| method.access) {
            Some(Access::Open) => return Ok(Caller::stranger()),
            Some(Access::Reflection) if self.open_reflection => return Ok(Caller::stranger()),
            _ => (),
        }
        let peer = request.extensions().get::<Peer>();
        let holder = peer.and_then(|peer| peer.certificate.as_deref());
        credentials.now().caller(request.headers(), holder)
    }

    /// Whether `caller` may call `method`. A path that is none of ours is let through, to be told that there is no such.
    fn admit(&self, caller: &Caller, method: Option<&Method>) -> Result<(), Denial> {
        let needed = match method.map(|method| method.access) {
            None | Some(Access::Open) => return Ok(()),
            Some(Access::Reflection) if self.open_reflection => return Ok(()),
            Some(Access::Reflection) => Roles::of(&[Role::Read]),
            Some(Access::Needs(roles)) => roles,
        };
        if caller.roles.meet(needed) {
            return Ok(());
        }
        Err(Denial::Role {
            method: method.map(|method| method.path.clone()).unwrap_or_default(),
            needed: needed.to_string(),
        })
    }
}

/// Finds out who calls the services within, and lets in who may.
#[derive(Debug, Clone)]
pub(crate) struct Authenticate<S> {
    inner: S,
    door: Arc<Door>,
}

impl<S> Authenticate<S> {
    pub(crate) fn new(inner: S, door: Arc<Door>) -> Self {
        Self { inner, door }
    }
}

impl<S> Service<Request<Body>> for Authenticate<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answering {
        let method = methods::of(request.uri().path());
        let (caller, denial) = match self.door.caller(&request, method) {
            Err(denial) => (Caller::stranger(), Some(denial)),
            Ok(caller) => {
                let denial = self.door.admit(&caller, method).err();
                (caller, denial)
            }
        };
        let audited = method.filter(|method| method.audited);
        let noted = audited.map(|method| Noted::begin(self.door.audit.clone(), &caller, method));
        if let Some(denial) = denial {
            let status = Status::from(denial);
            if let Some(noted) = noted {
                noted.ending().tell(status.code());
            }
            return Box::pin(async move { Ok(status.into_http()) });
        }
        request.extensions_mut().insert(caller);
        let Some(noted) = noted else {
            return Box::pin(self.inner.call(request));
        };
        let kept = Kept(Arc::clone(&noted.sent));
        let ending = noted.ending();
        let request = request.map(|body| Body::new(Passing::new(body, kept)));
        let answering = self.inner.call(request);
        Box::pin(async move { Ok(watched(answering.await?, ending)) })
    }
}

/// A call that will be written down.
struct Noted {
    audit: AuditLog,
    caller: Arc<str>,
    method: &'static Method,
    began: Instant,
    /// The beginning of what was sent.
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Noted {
    fn begin(audit: AuditLog, caller: &Caller, method: &'static Method) -> Self {
        Self {
            audit,
            caller: Arc::clone(&caller.name),
            method,
            began: Instant::now(),
            sent: Arc::default(),
        }
    }

    fn ending(self) -> Ending<impl FnOnce(tonic::Code) + Send + Unpin + 'static> {
        Ending::new(move |outcome| {
            let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            self.audit.record(&Entry {
                caller: &self.caller,
                method: &self.method.path,
                resource: resource_name(&sent),
                outcome,
                elapsed: self.began.elapsed(),
            });
        })
    }
}

/// Keeps the beginning of what is sent.
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Onlooker for Kept {
    fn pass(&mut self, next: Next, _: &mut Context<'_>) -> Next {
        if let Poll::Ready(Some(Ok(frame))) = &next
            && let Some(data) = frame.data_ref()
        {
            let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT_BYTES.saturating_sub(sent.len()).min(data.len());
            sent.extend_from_slice(&data[..room]);
        }
        next
    }
}
