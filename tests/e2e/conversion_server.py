"""A conversion webhook: v1 has spec.size, v2 spec.dimensions.size.

Usage: conversion_server.py ADDRESS PORT CERTIFICATE KEY
"""
import copy
import sys

from json_server import JsonHandler, serve


def convert(given, wanted):
    made = copy.deepcopy(given)
    made["apiVersion"] = wanted
    spec = made.get("spec", {})
    if wanted.endswith("/v2") and "size" in spec:
        spec["dimensions"] = {"size": spec.pop("size")}
    if wanted.endswith("/v1") and "dimensions" in spec:
        spec["size"] = spec.pop("dimensions")["size"]
    return made


class Handler(JsonHandler):
    def do_POST(self):
        review = self.body()
        request = review["request"]
        objects = [convert(each, request["desiredAPIVersion"]) for each in request["objects"]]
        self.answer(200, {"apiVersion": review["apiVersion"], "kind": "ConversionReview",
                          "response": {"uid": request["uid"], "convertedObjects": objects,
                                       "result": {"status": "Success"}}})


if __name__ == "__main__":
    serve(Handler, *sys.argv[1:])
