//! Who shoppers are, and what they agreed to.

use recommender_grpc::proto::{
    Consent, ExportUserDataRequest, GetUserRequest, LinkIdentitiesRequest, LinkOutcome, NotStored,
    ResolveIdentityRequest, SetConsentRequest, UnlinkIdentitiesRequest, User,
};
use tonic::Code;

use crate::shop::{CATALOG, Running, id, purchase, visitor};

fn name(id: &str) -> String {
    format!("{CATALOG}/users/{id}")
}

async fn user(shop: &mut Running, id: &str) -> User {
    let request = GetUserRequest { name: name(id) };
    shop.users.get_user(request).await.unwrap().into_inner()
}

fn linked(ids: &[(&str, &str)]) -> LinkIdentitiesRequest {
    LinkIdentitiesRequest {
        parent: CATALOG.into(),
        ids: ids
            .iter()
            .map(|(namespace, value)| id(namespace, value))
            .collect(),
        evidence: "showed her card".into(),
        ..LinkIdentitiesRequest::default()
    }
}

#[tokio::test]
async fn what_is_linked_is_one_person() {
    let mut shop = Running::new().await;
    shop.write(purchase("1", "phone", "cup", 1)).await;
    shop.write(purchase("2", "till", "pot", 2)).await;
    let request = linked(&[
        ("visitor", "phone"),
        ("visitor", "till"),
        ("loyalty", "4711"),
    ]);
    let answer = shop
        .users
        .link_identities(request.clone())
        .await
        .unwrap()
        .into_inner();
    let outcomes: Vec<_> = answer
        .links
        .iter()
        .map(|link| (link.index, link.outcome()))
        .collect();
    assert_eq!(
        outcomes,
        [(0, LinkOutcome::Linked), (1, LinkOutcome::Linked)]
    );
    assert!(!answer.freshness_token.is_empty());
    for of in [visitor("phone"), visitor("till"), id("loyalty", "4711")] {
        assert_eq!(shop.listed(of).await, ["2", "1"]);
    }
    let again = shop
        .users
        .link_identities(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again.links[0].outcome(), LinkOutcome::Known);
    let resolve = ResolveIdentityRequest {
        parent: CATALOG.into(),
        id: Some(visitor("till")),
    };
    let person = shop
        .users
        .resolve_identity(resolve)
        .await
        .unwrap()
        .into_inner()
        .user
        .unwrap();
    assert_eq!(person.name, name("loyalty:4711"));
    assert_eq!(
        person.ids,
        [id("loyalty", "4711"), visitor("phone"), visitor("till")]
    );
}

#[tokio::test]
async fn a_link_taken_back_gives_each_her_own_history() {
    let mut shop = Running::new().await;
    shop.write(purchase("1", "phone", "cup", 1)).await;
    shop.write(purchase("2", "till", "pot", 2)).await;
    let card = [
        ("visitor", "phone"),
        ("visitor", "till"),
        ("loyalty", "4711"),
    ];
    shop.users.link_identities(linked(&card)).await.unwrap();
    let unlink = UnlinkIdentitiesRequest {
        parent: CATALOG.into(),
        ids: vec![visitor("till"), id("loyalty", "4711")],
        ..UnlinkIdentitiesRequest::default()
    };
    let gone = shop
        .users
        .unlink_identities(unlink.clone())
        .await
        .unwrap()
        .into_inner();
    let twice = shop
        .users
        .unlink_identities(unlink)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((gone.unlinked, twice.unlinked), (true, false));
    assert_eq!(shop.listed(visitor("till")).await, ["2"]);
    assert_eq!(shop.listed(visitor("phone")).await, ["1"]);
}

#[tokio::test]
async fn links_past_a_cap_are_refused_and_wrong_ones_named() {
    let mut shop = Running::new().await;
    shop.users
        .link_identities(linked(&[("account", "ann"), ("visitor", "phone")]))
        .await
        .unwrap();
    let second = linked(&[("account", "bob"), ("visitor", "phone")]);
    let answer = shop
        .users
        .link_identities(second)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.links[0].outcome(), LinkOutcome::Refused);
    let reason = &answer.links[0].refused_reason;
    assert_eq!(reason, "max_accounts is 1, and there would have been 2");
    for (ids, field) in [
        (&[("visitor", "phone")][..], "ids"),
        (&[("visitor", "phone"), ("visitor", "phone")][..], "ids"),
        (
            &[("visitor", "phone"), ("aura", "blue")][..],
            "ids[1].namespace",
        ),
        (
            &[("visitor", "phone"), ("email_hash", "a@b.c")][..],
            "ids[1].value",
        ),
    ] {
        let refused = shop.users.link_identities(linked(ids)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().starts_with(&format!("{field}:")),
            "{}",
            refused.message()
        );
        assert!(!refused.message().contains("a@b.c"));
    }
    let mut ahead = linked(&[("account", "eve"), ("visitor", "tablet")]);
    ahead.valid_from = Some(prost_types::Timestamp {
        seconds: 32_503_680_000,
        nanos: 0,
    });
    let refused = shop.users.link_identities(ahead).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_latest_consent_counts_for_all_of_a_person() {
    let mut shop = Running::new().await;
    shop.users
        .link_identities(linked(&[("account", "ann"), ("visitor", "phone")]))
        .await
        .unwrap();
    shop.write(purchase("1", "phone", "cup", 1)).await;
    let said = |consent: Consent, second: i64| {
        let mut request = SetConsentRequest {
            name: name("account:ann"),
            consent_time: Some(prost_types::Timestamp {
                seconds: 1_767_225_600 + second,
                nanos: 0,
            }),
            ..SetConsentRequest::default()
        };
        request.set_consent(consent);
        request
    };
    let denied = shop
        .users
        .set_consent(said(Consent::Denied, 10))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((denied.stale, denied.consent()), (false, Consent::Denied));
    assert_eq!(
        user(&mut shop, "visitor:phone").await.consent(),
        Consent::Denied
    );
    assert_eq!(shop.listed(visitor("phone")).await, [""; 0]);
    let kept = shop.write(purchase("2", "phone", "cup", 2)).await;
    assert_eq!(kept.not_stored(), NotStored::Denied);
    let earlier = shop
        .users
        .set_consent(said(Consent::Granted, 5))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((earlier.stale, earlier.consent()), (true, Consent::Denied));
    let later = shop
        .users
        .set_consent(said(Consent::Granted, 20))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((later.stale, later.consent()), (false, Consent::Granted));
    assert_eq!(shop.listed(visitor("phone")).await, ["1"]);
}

#[tokio::test]
async fn all_that_is_kept_of_a_person_is_given_in_pieces() {
    let mut shop = Running::new().await;
    for number in 0..3 {
        let mut event = purchase(&number.to_string(), "phone", "cup", number);
        event.search_query = "x".repeat(600_000);
        shop.write(event).await;
    }
    shop.users
        .link_identities(linked(&[("account", "ann"), ("visitor", "phone")]))
        .await
        .unwrap();
    let request = ExportUserDataRequest {
        name: name("account:ann"),
    };
    let mut pieces = shop
        .users
        .export_user_data(request)
        .await
        .unwrap()
        .into_inner();
    let mut text = Vec::new();
    let mut count = 0;
    while let Some(piece) = pieces.message().await.unwrap() {
        assert!(piece.data.len() <= 1 << 20);
        text.extend(piece.data);
        count += 1;
    }
    assert!(count >= 2);
    let export: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(export["person"], "account:ann");
    assert_eq!(export["events"].as_array().unwrap().len(), 3);
    assert_eq!(export["links"][0]["evidence"], "showed her card");
    // That it was asked for is on record, under the name of who asked.
    let audit = export["audit"].as_array().unwrap();
    assert!(
        audit
            .iter()
            .any(|record| record["action"] == "export" && record["by"] == "anonymous")
    );
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    let mut shop = Running::new().await;
    for wrong in [
        "users/visitor:a",
        "catalogs/default/users/ann",
        "catalogs/other/users/visitor:a",
    ] {
        let request = GetUserRequest { name: wrong.into() };
        let refused = shop.users.get_user(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong}");
    }
    assert_eq!(
        user(&mut shop, "visitor:nobody").await.ids,
        [visitor("nobody")]
    );
}
