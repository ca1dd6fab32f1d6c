//! Pages of recommendations: where they begin in the answer to a question.

use std::borrow::Cow;

use prost::Message;

use super::List;
use crate::proto::RecommendRequest;

/// Furthest that a list can be gone down.
const DEEPEST: usize = 10_000;

/// The list that a request asks for, whatever the page. What the shopper did meanwhile, and how much is said of the
/// products, makes it no other.
pub(crate) fn of_question(request: &RecommendRequest) -> List {
    let mut words: Vec<Cow<'_, [u8]>> = vec![
        request.serving_config.as_bytes().into(),
        request.filter.as_bytes().into(),
        vec![u8::from(request.strict_filtering)].into(),
        number(request.exclude_product_ids.len()),
    ];
    let excluded = request.exclude_product_ids.iter();
    words.extend(excluded.map(|key| Cow::from(key.as_bytes())));
    words.push(encoded(request.fulfillment.as_ref()));
    words.push(encoded(request.diversity.as_ref()));
    if let Some(context) = &request.context {
        let keys = [
            &context.visitor_id,
            &context.user_id,
            &context.session_id,
            &context.place_id,
            &context.search_query,
            &context.locale,
            &context.currency_code,
        ];
        words.extend(keys.map(|key| Cow::from(key.as_bytes())));
        words.push(context.channel.to_le_bytes().to_vec().into());
        words.push(context.page_type.to_le_bytes().to_vec().into());
        words.push(number(context.product_details.len()));
        let products = context.product_details.iter();
        words.extend(products.map(|product| Cow::from(product.product_id.as_bytes())));
        words.extend(context.external_ids.iter().map(|id| encoded(Some(id))));
        let categories = context.page_categories.iter();
        words.extend(categories.map(|category| Cow::from(category.as_bytes())));
    }
    List::of("recommendations", words.iter().map(|word| &**word))
}

fn number(count: usize) -> Cow<'static, [u8]> {
    count.to_le_bytes().to_vec().into()
}

fn encoded<M: Message>(message: Option<&M>) -> Cow<'static, [u8]> {
    let bytes = message.map(Message::encode_to_vec);
    bytes.unwrap_or_default().into()
}

/// The token of the page that begins `offset` products into the answer to a question; none beyond the end of what can
/// be gone down.
pub(crate) fn token(offset: usize, list: List) -> Option<String> {
    (offset < DEEPEST).then(|| list.token(&offset.to_be_bytes()))
}

/// Where the page of a token begins; none if it is no token of this question. The empty one is the first page's.
pub(crate) fn offset(token: &str, list: List) -> Option<usize> {
    if token.is_empty() {
        return Some(0);
    }
    let offset = usize::from_be_bytes(list.last(token)?.try_into().ok()?);
    (offset < DEEPEST).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::RecommendContext;

    #[test]
    fn a_token_is_of_one_question_and_place() {
        let request = RecommendRequest {
            context: Some(RecommendContext {
                visitor_id: "ann".into(),
                ..RecommendContext::default()
            }),
            page_size: 10,
            ..RecommendRequest::default()
        };
        let own = of_question(&request);
        let token = token(20, own).unwrap();
        assert_eq!(offset(&token, own), Some(20));
        assert_eq!(offset("", own), Some(0));
        let larger = RecommendRequest {
            page_size: 50,
            page_token: token.clone(),
            ..request.clone()
        };
        assert_eq!(of_question(&larger), own, "pages may change their size");
        let filtered = RecommendRequest {
            filter: "price < 5".into(),
            ..request.clone()
        };
        let excluding = RecommendRequest {
            exclude_product_ids: vec!["cup".into()],
            ..request.clone()
        };
        let mut of_another = request;
        of_another.context.as_mut().unwrap().visitor_id = "bob".into();
        for other in [filtered, excluding, of_another] {
            assert_eq!(offset(&token, of_question(&other)), None);
        }
        let beyond = own.token(&DEEPEST.to_be_bytes());
        for wrong in ["x", "14.", &own.token(b"20"), &beyond] {
            assert_eq!(offset(wrong, own), None, "{wrong}");
        }
        assert!(super::token(DEEPEST, own).is_none());
    }
}
