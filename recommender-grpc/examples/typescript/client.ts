// A browser's way to the recommender: a shopper looks at something, and the very next answer knows it.
//
//   npm install && npm run generate
//   npm start -- http://127.0.0.1:50051 catalogs/default/servingConfigs/demo
//
// It runs in a browser as it stands, once its origin is among the server's `cors_origins`.

import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { Channel } from "./gen/recommender/v1/channel_pb.js";
import { RecommendationService } from "./gen/recommender/v1/recommendation_service_pb.js";
import { PersonalizationTier, type RecommendResponse } from "./gen/recommender/v1/recommendation_pb.js";
import { EventType } from "./gen/recommender/v1/user_event_pb.js";
import { UserEventService } from "./gen/recommender/v1/user_event_service_pb.js";

declare const process: { argv: string[] }; // a page has its own way to know these
const [baseUrl = "http://127.0.0.1:50051", servingConfig = "catalogs/default/servingConfigs/default", apiKey] =
  process.argv.slice(2);
const catalog = servingConfig.split("/").slice(0, 2).join("/");
const visitorId = `browser-${crypto.randomUUID()}`;

const transport = createGrpcWebTransport({ baseUrl });
const headers = apiKey ? { "x-api-key": apiKey } : undefined;
const recommendations = createClient(RecommendationService, transport);
const events = createClient(UserEventService, transport);

function show(title: string, answer: RecommendResponse) {
  const products = answer.results.map((result) => result.productId).join(", ");
  console.log(`${title} (${PersonalizationTier[answer.tier]}): ${products}`);
}

async function recommend(minFreshness: string): Promise<RecommendResponse> {
  return recommendations.recommend(
    { servingConfig, context: { visitorId, channel: Channel.WEB }, pageSize: 5, minFreshness },
    { headers, timeoutMs: 2000 },
  );
}

const stranger = await recommend("");
show("a stranger", stranger);

const looked = stranger.results[0];
if (!looked) throw new Error("the server recommends nothing to a stranger");
const written = await events.writeUserEvent(
  {
    parent: catalog,
    userEvent: {
      eventId: crypto.randomUUID(),
      eventType: EventType.VIEW_ITEM,
      visitorId,
      channel: Channel.WEB,
      eventTime: timestampNow(),
      productDetails: [{ productId: looked.productId }],
    },
  },
  { headers, timeoutMs: 2000 },
);

const known = await recommend(written.freshnessToken);
show(`after a look at ${looked.productId}`, known);
if (known.tier !== PersonalizationTier.PERSONAL) throw new Error("the look did not count");
