"""What an API server asks about callers: issuers of OpenID Connect tokens, a webhook that knows
tokens, and one that knows rights.

Usage: identity_server.py ADDRESS PORT CERTIFICATE KEY JWKS_FILE

/NAME/.well-known/openid-configuration   an issuer of that name; "moved" speaks for the issuer "two"
/keys                                    the keys of all issuers
/tokens                                  TokenReview: "hook-NAME" is the token of NAME in "hooked"
/rights                                  SubjectAccessReview: "hanna" may, "mallory" must not
"""
import json
import sys

from json_server import JsonHandler, serve


class Handler(JsonHandler):
    keys = ""

    def do_GET(self):
        base = "https://" + self.headers["Host"]
        if self.path == "/keys":
            return self.answer(200, self.keys)
        name, _, rest = self.path[1:].partition("/")
        if rest != ".well-known/openid-configuration":
            return self.answer(404, {})
        issuer = "two" if name == "moved" else name
        self.answer(200, {"issuer": f"{base}/{issuer}", "jwks_uri": f"{base}/keys",
                          "authorization_endpoint": f"{base}/{issuer}/auth",
                          "response_types_supported": ["id_token"],
                          "subject_types_supported": ["public"],
                          "id_token_signing_alg_values_supported": ["RS256"]})

    def do_POST(self):
        review = self.body()
        judge = {"/tokens": self.token, "/rights": self.rights}[self.path]
        review["status"] = judge(review["spec"])
        self.answer(200, review)

    @staticmethod
    def token(spec):
        prefix, _, name = spec["token"].partition("hook-")
        if prefix or not name:
            return {"authenticated": False}
        return {"authenticated": True, "user": {"username": name, "uid": "h-" + name,
                                                "groups": ["hooked"], "extra": {"by": ["hook"]}}}

    @staticmethod
    def rights(spec):
        is_banned = spec.get("user") == "mallory"
        return {"allowed": spec.get("user") == "hanna", "denied": is_banned,
                "reason": "banned" if is_banned else "known to the webhook"}


if __name__ == "__main__":
    with open(sys.argv.pop()) as file:
        Handler.keys = json.load(file)
    serve(Handler, *sys.argv[1:])
