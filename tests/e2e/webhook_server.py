"""An admission webhook: /mutate adds a label, /validate refuses what is named "refused", /slow sleeps.

Usage: webhook_server.py ADDRESS PORT CERTIFICATE KEY
"""
import base64
import json
import sys
import time

from json_server import JsonHandler, serve


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


class Handler(JsonHandler):
    def do_POST(self):
        path = self.path.partition("?")[0]
        review = self.body()
        answer = {"/mutate": mutate, "/validate": validate, "/slow": slow}[path](review["request"])
        answer["uid"] = review["request"]["uid"]
        self.answer(200, {"kind": "AdmissionReview", "apiVersion": review["apiVersion"],
                          "response": answer})


if __name__ == "__main__":
    serve(Handler, *sys.argv[1:])
