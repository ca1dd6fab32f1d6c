#!/usr/bin/env python3
"""One shopper in three channels: she looks on her phone, buys at the till with her card, and asks in the store.

    pip install grpcio grpcio-reflection protobuf
    python omnichannel.py --address 127.0.0.1:50051 --serving-config demo

The server must have been started with a store (`recommender demo`, `recommender serve --data DIR`). Everything is asked
through reflection: no generated code is needed.
"""

import argparse
import sys
import time
import uuid

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Recommender:
    """Calls by name, with requests and answers in the JSON form of the contract."""

    def __init__(self, channel, api_key):
        self.channel = channel
        self.pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.metadata = [("x-api-key", api_key)] if api_key else []

    def call(self, service, method, request):
        service = f"recommender.v1.{service}"
        described = self.pool.FindServiceByName(service).FindMethodByName(method)
        asked, answered = GetMessageClass(described.input_type), GetMessageClass(described.output_type)
        call = self.channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=asked.SerializeToString,
            response_deserializer=answered.FromString,
        )
        answer = call(json_format.ParseDict(request, asked()), timeout=10, metadata=self.metadata)
        return json_format.MessageToDict(answer)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="127.0.0.1:50051", help="where the server listens")
    parser.add_argument("--serving-config", default="demo", help="the recipe to ask")
    parser.add_argument("--catalog", default="default", help="the catalogue it belongs to")
    parser.add_argument("--place", default="harbour store", help="a store to stand in")
    parser.add_argument("--api-key", help="a key with the roles read, write_events and manage_catalogue")
    args = parser.parse_args()
    with grpc.insecure_channel(args.address) as channel:
        try:
            story(Recommender(channel, args.api_key), args)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


def story(server, args):
    parent = f"catalogs/{args.catalog}"
    visit = uuid.uuid4().hex
    phone, card = f"phone-{visit}", f"card-{visit}"

    def recommend(context=None, **request):
        return server.call("RecommendationService", "Recommend", {
            "servingConfig": f"{parent}/servingConfigs/{args.serving_config}",
            "context": {"visitorId": phone, **(context or {})},
            "pageSize": 5,
            **request,
        })

    def write(visitor, kind, product, channel):
        return server.call("UserEventService", "WriteUserEvent", {
            "parent": parent,
            "userEvent": {
                "eventId": uuid.uuid4().hex,
                "eventType": kind,
                "visitorId": visitor,
                "channel": channel,
                "eventTime": now(),
                "productDetails": [{"productId": product}],
            },
        })

    def products(answer):
        return [result["productId"] for result in answer.get("results", [])]

    def show(what, answer):
        print(f"{what} ({answer['tier']}): {', '.join(products(answer))}")

    answer = recommend()
    show("a stranger", answer)
    first, second = products(answer)[:2]

    written = write(phone, "EVENT_TYPE_VIEW_ITEM", first, "CHANNEL_APP")
    answer = recommend(minFreshness=written["freshnessToken"])
    show(f"she looked at {first} on her phone", answer)
    assert answer["tier"] == "PERSONALIZATION_TIER_PERSONAL", answer

    write(card, "EVENT_TYPE_PURCHASE", second, "CHANNEL_POS")
    linked = server.call("UserService", "LinkIdentities", {
        "parent": parent,
        "ids": [{"namespace": "visitor", "value": phone}, {"namespace": "visitor", "value": card}],
        "evidence": "showed her card at the till",
    })
    answer = recommend(minFreshness=linked["freshnessToken"])
    show(f"and bought {second} at the till", answer)
    assert second not in products(answer), answer

    wanted, other = products(answer)[:2]
    for product, pieces in [(wanted, 0), (other, 3)]:
        server.call("ProductService", "SetInventory", {
            "name": f"{parent}/products/{product}",
            "inventory": {"localInventories": [{"placeId": args.place, "availableQuantity": pieces}]},
            "setTime": now(),
        })
    answer = recommend(context={"placeId": args.place, "channel": "CHANNEL_KIOSK"})
    show(f"in the {args.place}, which is out of {wanted}", answer)
    assert wanted not in products(answer), answer

    why = server.call("RecommendationService", "ExplainRecommendation", {
        "request": {
            "servingConfig": f"{parent}/servingConfigs/{args.serving_config}",
            "context": {"visitorId": phone, "placeId": args.place},
        },
        "productId": wanted,
    })
    print(f"why not {wanted}: {why.get('obstacles') or why}")
    assert not why.get("shown", False), why


if __name__ == "__main__":
    main()
