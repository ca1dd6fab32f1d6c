//! The methods of `recommender.v1.RecommendationService`.

mod deadline;
