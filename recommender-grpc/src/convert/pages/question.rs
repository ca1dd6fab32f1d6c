//! Pages of recommendations: where they begin in the answer to a question.

use std::borrow::Cow;

use prost::Message;

use super::List;
use crate::answering::{Draw, Page};
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

/// The token of the page that follows one of the answer to a question; none beyond the end of what can be gone down.
pub(crate) fn token_after(page: Page) -> Option<String> {
    let begin = page.end();
    let mut bytes = begin.to_be_bytes().to_vec();
    if let Some(draw) = page.draw {
        bytes.extend(draw.seed.to_be_bytes());
        bytes.extend(draw.first.to_be_bytes());
    }
    (begin < DEEPEST).then(|| page.list.token(&bytes))
}

/// Where the page of a token begins, and what the first page was drawn with; none if it is no token of this question. The
/// empty one is the first page's.
pub(crate) fn begin(token: &str, list: List) -> Option<(usize, Option<Draw>)> {
    if token.is_empty() {
        return Some((0, None));
    }
    let bytes = list.last(token)?;
    let (offset, draw) = bytes.split_first_chunk()?;
    let offset = usize::from_be_bytes(*offset);
    let draw = match draw.split_first_chunk() {
        Some((seed, first)) => Some(Draw {
            seed: u64::from_be_bytes(*seed),
            first: usize::from_be_bytes(first.try_into().ok()?),
        }),
        None if draw.is_empty() => None,
        None => return None,
    };
    // A check is no seal: whoever makes up a token asks for no more than pages that follow one another would.
    let follows = draw.is_none_or(|draw| (1..=offset).contains(&draw.first));
    (offset < DEEPEST && follows).then_some((offset, draw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::RecommendContext;

    fn page(list: List, size: usize, draw: Option<Draw>) -> Page {
        Page {
            offset: 0,
            size,
            list,
            draw,
        }
    }

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
        let token = token_after(page(own, 20, None)).unwrap();
        assert_eq!(begin(&token, own), Some((20, None)));
        assert_eq!(begin("", own), Some((0, None)));
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
            assert_eq!(begin(&token, of_question(&other)), None);
        }
        let beyond = own.token(&DEEPEST.to_be_bytes());
        for wrong in ["x", "14.", &own.token(b"20"), &beyond] {
            assert_eq!(begin(wrong, own), None, "{wrong}");
        }
        assert!(token_after(page(own, DEEPEST, None)).is_none());
    }

    #[test]
    fn a_token_tells_what_the_first_page_was_drawn_with() {
        let own = of_question(&RecommendRequest::default());
        let draw = |first| {
            Some(Draw {
                seed: u64::MAX - 7,
                first,
            })
        };
        let token = token_after(page(own, 20, draw(20))).unwrap();
        assert_eq!(begin(&token, own), Some((20, draw(20))));
        let longer = [20usize.to_be_bytes(), [7; 8]].concat();
        for wrong in [
            token_after(page(own, 20, draw(21))).unwrap(),
            token_after(page(own, 20, draw(0))).unwrap(),
            own.token(&longer),
            own.token(&longer[..15]),
        ] {
            assert_eq!(begin(&wrong, own), None, "{wrong}");
        }
    }
}
