"""A conversion webhook: v1 has spec.size, v2 spec.dimensions.size.

Usage: conversion_server.py ADDRESS PORT CERTIFICATE KEY
"""
import copy
import http.server
import json
import ssl
import sys


def convert(given, wanted):
    made = copy.deepcopy(given)
    made["apiVersion"] = wanted
    spec = made.get("spec", {})
    if wanted.endswith("/v2") and "size" in spec:
        spec["dimensions"] = {"size": spec.pop("size")}
    if wanted.endswith("/v1") and "dimensions" in spec:
        spec["size"] = spec.pop("dimensions")["size"]
    return made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        objects = [convert(each, request["desiredAPIVersion"]) for each in request["objects"]]
        data = json.dumps({"apiVersion": review["apiVersion"], "kind": "ConversionReview",
                           "response": {"uid": request["uid"], "convertedObjects": objects,
                                        "result": {"status": "Success"}}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def main():
    address, port, certificate, key = sys.argv[1:]
    server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
