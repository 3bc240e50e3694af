"""An admission webhook: /mutate adds a label, /validate refuses what is named "refused", /slow sleeps.

Usage: webhook_server.py ADDRESS PORT CERTIFICATE KEY
"""
import base64
import http.server
import json
import ssl
import sys
import time


def mutate(request):
    labels = request["object"]["metadata"].get("labels")
    patch = [{"op": "add", "path": "/metadata/labels/seen-by-webhook", "value": "yes"}]
    if not labels:
        patch.insert(0, {"op": "add", "path": "/metadata/labels", "value": {}})
    return {"allowed": True, "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
            "warnings": ["a label was added"]}


def validate(request):
    if request["name"] != "refused":
        return {"allowed": True}
    return {"allowed": False, "status": {"code": 403, "message": "not a good name"}}


def slow(_):
    time.sleep(3)
    return {"allowed": True}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        path = self.path.partition("?")[0]
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"/mutate": mutate, "/validate": validate, "/slow": slow}[path](review["request"])
        answer["uid"] = review["request"]["uid"]
        data = json.dumps({"kind": "AdmissionReview", "apiVersion": review["apiVersion"],
                           "response": answer}).encode()
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
