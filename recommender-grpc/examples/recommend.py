#!/usr/bin/env python3
"""Asks a running server for recommendations through reflection: no generated code is needed.

    pip install grpcio grpcio-reflection protobuf
    python recommend.py --user 17850
    python recommend.py --items 85123A 71053
    python recommend.py --bought 85123A --address 127.0.0.1:50051 --serving-config default --limit 5
"""

import argparse
import sys
import time

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "recommender.v1.RecommendationService"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="127.0.0.1:50051", help="where the server listens")
    parser.add_argument("--serving-config", default="default", help="the recipe to ask")
    parser.add_argument("--catalog", default="default", help="the catalogue it belongs to")
    parser.add_argument("--user", help="a shopper the server has learned from")
    parser.add_argument("--items", nargs="+", default=[], help="products on the page or in the cart")
    parser.add_argument("--bought", nargs="+", default=[], help="products the shopper bought just now")
    parser.add_argument("--exclude", nargs="+", default=[], help="products not to answer")
    parser.add_argument("--limit", type=int, default=10, help="most products to answer")
    return parser.parse_args()


def recommend_method(channel):
    """The Recommend method and the class of its request, as the server itself describes them."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(SERVICE).FindMethodByName("Recommend")
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{SERVICE}/Recommend",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    return call, request


def question(args):
    """The request, in the JSON form of the contract."""
    products = [{"productId": key} for key in args.items]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    events = [
        {"eventType": "EVENT_TYPE_PURCHASE", "eventTime": now, "productDetails": [{"productId": key}]}
        for key in args.bought
    ]
    return {
        "servingConfig": f"catalogs/{args.catalog}/servingConfigs/{args.serving_config}",
        "context": {
            "visitorId": "recommend.py",
            "userId": args.user or "",
            "productDetails": products,
            "recentEvents": events,
        },
        "excludeProductIds": args.exclude,
        "pageSize": args.limit,
        "view": "RECOMMEND_VIEW_WITH_EXPLANATION",
    }


def show(response):
    tier = response.DESCRIPTOR.fields_by_name["tier"].enum_type.values_by_number[response.tier].name
    print(f"model {response.model_version}, {tier}")
    for result in response.results:
        why = ", ".join(f"{reason.model} {reason.weight:.3f}" for reason in result.reasons)
        print(f"{result.position:>3}  {result.product_id:<20} {result.score:.4f}  {why}")
    if response.missing_ids:
        print("unknown:", ", ".join(response.missing_ids))


def main():
    args = arguments()
    with grpc.insecure_channel(args.address) as channel:
        try:
            call, request = recommend_method(channel)
            show(call(json_format.ParseDict(question(args), request()), timeout=10))
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
