#!/usr/bin/env python3
"""Every way to say who one is, and every authorizer, against a real server with stock kubectl:
issuers of OpenID Connect tokens, webhooks, proxies, passwords, tokens, nobody, and acting as
somebody else."""
import base64
import json
import os
import sys
import time

import harness
from harness import NODE_IP, ROOT, eventually, run

PORT = 8444
BASE = f"https://{NODE_IP}:{PORT}"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Place:
    """The files that the server and the one that it asks are given."""

    def __init__(self, directory):
        self.directory = directory
        self.self_signed("identity", "-addext", f"subjectAltName=IP:{NODE_IP}")
        self.self_signed("proxies")
        for name in ("front", "stranger"):
            self.signed(name, "proxies")
        for name in ("issuer", "thief"):
            run(["openssl", "genrsa", "-out", self.path(f"{name}.pem"), "2048"])
        modulus = run(["openssl", "rsa", "-in", self.path("issuer.pem"), "-noout",
                       "-modulus"]).stdout.strip().partition("=")[2]
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "e": "AQAB",
               "n": base64url(bytes.fromhex(modulus))}
        self.write("keys.json", json.dumps({"keys": [key]}))

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def self_signed(self, name, *options):
        run(["openssl", "req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}", *options,
             "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.crt")])

    def signed(self, name, authority):
        run(["openssl", "req", *NEW_KEY, "-subj", f"/CN={name}",
             "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.csr")])
        self.write("extensions", "extendedKeyUsage=clientAuth\n")
        run(["openssl", "x509", "-req", "-in", self.path(f"{name}.csr"), "-days", "2", "-CA",
             self.path(f"{authority}.crt"), "-CAkey", self.path(f"{authority}.key"),
             "-CAcreateserial", "-extfile", self.path("extensions"), "-out",
             self.path(f"{name}.crt")])

    def token(self, issuer, key="issuer", algorithm="RS256", **claims):
        now = int(time.time())
        claims = {"iss": f"{BASE}/{issuer}", "aud": "cluster", "iat": now - 60, "exp": now + 600,
                  **claims}
        parts = [base64url(json.dumps(part).encode())
                 for part in ({"alg": algorithm, "kid": "k1", "typ": "JWT"}, claims)]
        text = self.write("signed", ".".join(parts))
        run(["openssl", "dgst", "-sha256", "-sign", self.path(f"{key}.pem"), "-out",
             self.path("signature"), text])
        with open(self.path("signature"), "rb") as file:
            return ".".join([*parts, base64url(file.read())])

    def authentication(self, **more):
        authority = self.read("identity.crt")
        one = {"issuer": {"url": f"{BASE}/one", "audiences": ["cluster"],
                          "certificateAuthority": authority},
               "claimMappings": {"username": {"claim": "email", "prefix": "one:"},
                                 "groups": {"claim": "teams", "prefix": "one:"},
                                 "uid": {"claim": "sub"},
                                 "extra": [{"key": "example.com/site",
                                            "valueExpression": "claims.site"}]},
               "claimValidationRules": [{"expression": "claims.email_verified == true",
                                         "message": "the address must be verified"}]}
        two = {"issuer": {"url": f"{BASE}/two", "audiences": ["a", "b"],
                          "audienceMatchPolicy": "MatchAny", "certificateAuthority": authority,
                          "discoveryURL": f"{BASE}/moved/.well-known/openid-configuration"},
               "claimMappings": {"username": {"expression": "'two:' + claims.sub"},
                                 "groups": {"expression": "claims.roles.split(',')"}},
               "claimValidationRules": [{"claim": "hd", "requiredValue": "example.com"}],
               "userValidationRules": [{"expression": "!user.username.startsWith('two:root')",
                                        "message": "nobody is root"}]}
        return self.write("authentication.json", json.dumps(
            {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
             "jwt": [one, two], **more}))

    def webhook(self, path):
        return self.write(path + ".kubeconfig", json.dumps(
            {"apiVersion": "v1", "kind": "Config", "current-context": "x",
             "clusters": [{"name": "x", "cluster": {
                 "server": f"{BASE}/{path}", "certificate-authority": self.path("identity.crt")}}],
             "users": [{"name": "x", "user": {}}],
             "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}))


class Login(harness.ServerTest):
    @classmethod
    def up(cls):
        cls.place = Place(cls.cluster.directory)
        place = cls.place
        process = cls.cluster.popen(
            [sys.executable, os.path.join(ROOT, "tests", "e2e", "identity_server.py"), NODE_IP,
             PORT, *map(place.path, ("identity.crt", "identity.key", "keys.json"))])
        cls.addClassCleanup(cls._end, process)
        assert process.stdout.readline() == "ready\n"
        policies = [{"user": "abel", "namespace": "*", "resource": "configmaps", "readonly": True},
                    {"group": "hooked", "nonResourcePath": "/metrics", "readonly": True}]
        cls.files = [
            "--token-auth-file", place.write("tokens", 'secret-of-tess,tess,u-tess,"staff,ops"\n'
                                                       "secret-of-abel,abel,u-abel\n"
                                                       "secret-of-hanna,hanna,u-hanna\n"
                                                       "secret-of-mallory,mallory,u-mallory\n"),
            "--basic-auth-file", place.write("passwords", "pass word,bob,u-bob,staff\n"),
            "--requestheader-client-ca-file", place.path("proxies.crt"),
            "--requestheader-allowed-names", "front",
            "--authentication-token-webhook-config-file", place.webhook("tokens"),
            "--authentication-token-webhook-version", "v1",
            "--authorization-mode", "Node,RBAC,ABAC,Webhook",
            "--authorization-policy-file", place.write("policies", "".join(
                json.dumps({"apiVersion": "abac.authorization.kubernetes.io/v1beta1",
                            "kind": "Policy", "spec": policy}) + "\n" for policy in policies)),
            "--authorization-webhook-config-file", place.webhook("rights"),
            "--authorization-webhook-version", "v1"]
        cls.server_options = [*cls.files, "--authentication-config", place.authentication()]
        super().up()

    def restart(self, *options):
        self.cluster.stop()
        self.cluster.up(*options)

    def with_other_options(self, *options):
        self.addCleanup(self.restart, *self.server_options)
        self.restart(*options)

    # ------------------------------------------------------------------ asking as somebody

    def kubeconfig_of(self, **user):
        config = json.loads(self.kubectl("config", "view", "--raw", "-o", "json"))
        config["users"] = [{"name": "somebody", "user": user}]
        config["contexts"][0]["context"]["user"] = "somebody"
        config["current-context"] = config["contexts"][0]["name"]
        return self.place.write("somebody.kubeconfig", json.dumps(config))

    def kubectl_as(self, user, *arguments, **options):
        argv = [os.path.join(harness.CLIENTS, self.kubectl_name), "--kubeconfig",
                self.kubeconfig_of(**user), *arguments]
        return self.cluster.inside(argv, **options)

    def user_info(self, **user):
        shown = self.kubectl_as(user, "auth", "whoami", "-o", "json").stdout
        return json.loads(shown)["status"]["userInfo"]

    def assert_unknown(self, token):
        code, text = self.request("POST", SELF, body={}, identify=False,
                                  headers=[f"Authorization: Bearer {token}"])
        self.assertEqual((code, json.loads(text)["reason"]), (401, "Unauthorized"))

    # ------------------------------------------------------------------ who one is

    def test_issuers_of_an_authentication_configuration(self):
        token, claims = self.place.token, {"email": "ann@example.com", "email_verified": True,
                                           "sub": "s-1", "teams": ["red", "blue"], "site": "north"}
        self.assertEqual(self.user_info(token=token("one", **claims)), {
            "username": "one:ann@example.com", "uid": "s-1",
            "groups": ["one:red", "one:blue", "system:authenticated"],
            "extra": {"example.com/site": ["north"]}})
        self.assert_unknown(token("one", **{**claims, "email_verified": False}))
        self.assert_unknown(token("one", **{**claims, "aud": "another"}))
        self.assert_unknown(token("one", **{**claims, "exp": int(time.time()) - 60}))
        self.assert_unknown(token("one", **{**claims, "nbf": int(time.time()) + 600}))
        self.assert_unknown(token("one", key="thief", **claims))
        self.assert_unknown(token("one", algorithm="none", **claims))
        self.assert_unknown(token("three", **claims))

        other = {"sub": "ben", "aud": ["x", "b"], "hd": "example.com", "roles": "dev,ops"}
        self.assertEqual(self.user_info(token=token("two", **other)),
                         {"username": "two:ben", "groups": ["dev", "ops", "system:authenticated"]})
        self.assert_unknown(token("two", **{**other, "hd": "example.org"}))
        self.assert_unknown(token("two", **{**other, "sub": "root"}))
        self.assert_unknown(token("two", **{**other, "aud": "cluster"}))

        # Rights go by the mapped names, and a credential plugin brings the token as well.
        self.kubectl("create", "clusterrolebinding", "red", "--clusterrole=view", "--group=one:red")
        script = self.place.write("plugin", "#!/bin/sh\ncat <<'END'\n" + json.dumps(
            {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
             "status": {"token": token("one", **claims)}}) + "\nEND\n")
        os.chmod(script, 0o755)
        plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": script,
                           "interactiveMode": "Never"}}
        eventually(lambda: self.kubectl_as(plugin, "auth", "can-i", "get",
                                           "pods").stdout == "yes\n", "the group's role counts")
        refused = self.kubectl_as(plugin, "create", "namespace", "n", check=False)
        self.assertIn('User "one:ann@example.com" cannot create resource "namespaces"',
                      refused.stderr)

    def test_an_issuer_of_the_flags(self):
        self.with_other_options(
            *self.files, "--oidc-issuer-url", f"{BASE}/three", "--oidc-client-id", "cluster",
            "--oidc-ca-file", self.place.path("identity.crt"), "--oidc-username-claim", "name",
            "--oidc-groups-claim", "teams", "--oidc-groups-prefix", "g:",
            "--oidc-required-claim", "hd=example.com")
        claims = {"sub": "s", "name": "kim", "teams": ["red"], "hd": "example.com"}
        self.assertEqual(self.user_info(token=self.place.token("three", **claims)), {
            "username": f"{BASE}/three#kim", "groups": ["g:red", "system:authenticated"]})
        self.assert_unknown(self.place.token("three", **{**claims, "hd": "example.org"}))
        self.assert_unknown(self.place.token("one", **claims))

    def test_a_webhook_that_knows_tokens(self):
        self.assertEqual(self.user_info(token="hook-hugo"), {
            "username": "hugo", "uid": "h-hugo", "groups": ["hooked", "system:authenticated"],
            "extra": {"by": ["hook"]}})
        self.assert_unknown("hooked-hugo")

    def test_tokens_and_passwords_of_files(self):
        self.assertEqual(self.user_info(token="secret-of-tess"), {
            "username": "tess", "uid": "u-tess",
            "groups": ["staff", "ops", "system:authenticated"]})
        self.assertEqual(self.user_info(username="bob", password="pass word")["username"], "bob")
        wrong = self.kubectl_as({"username": "bob", "password": "guess"}, "get", "pods",
                                check=False)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("Unauthorized", wrong.stderr + wrong.stdout)
        self.assert_unknown("secret-of-nobody")

    def test_tokens_with_which_nodes_join(self):
        token = "abcdef.0123456789abcdef"
        self.assert_unknown(token)
        self.kubectl("-n", "kube-system", "create", "secret", "generic", "bootstrap-token-abcdef",
                     "--type=bootstrap.kubernetes.io/token", "--from-literal=token-id=abcdef",
                     "--from-literal=token-secret=0123456789abcdef",
                     "--from-literal=usage-bootstrap-authentication=true",
                     "--from-literal=auth-extra-groups=system:bootstrappers:workers")
        found = eventually(lambda: self.user_info(token=token), "the token is known")
        self.assertEqual((found["username"], found["groups"]), (
            "system:bootstrap:abcdef",
            ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"]))
        self.kubectl("-n", "kube-system", "delete", "secret", "bootstrap-token-abcdef")
        eventually(lambda: self.assert_unknown(token) or True, "the token is forgotten")

    def test_proxies_speak_for_their_users(self):
        def ask(certificate, *headers):
            argv = ["curl", "-sS", "--cacert", self.credentials()["ca"], "-X", "POST", "-d", "{}",
                    "-H", "Content-Type: application/json", "-w", "\n%{http_code}",
                    f"https://127.0.0.1:{self.cluster.port}{SELF}"]
            if certificate:
                argv += ["--cert", self.place.path(certificate + ".crt"), "--key",
                         self.place.path(certificate + ".key")]
            for header in headers:
                argv += ["-H", header]
            text, _, code = self.cluster.inside(argv).stdout.rpartition("\n")
            return int(code), json.loads(text)
        headers = ["X-Remote-User: ann", "X-Remote-Group: a", "X-Remote-Group: b",
                   "X-Remote-Extra-Acme.com%2fproject: p"]
        code, answer = ask("front", *headers)
        self.assertEqual((code, answer["status"]["userInfo"]), (201, {
            "username": "ann", "groups": ["a", "b", "system:authenticated"],
            "extra": {"acme.com/project": ["p"]}}))
        self.assertEqual(ask("stranger", *headers)[0], 401)
        self.assertEqual(ask(None, *headers)[0], 401)
        self.assertEqual(ask("front")[0], 401)

    def test_nobody(self):
        def codes():
            return [self.request("GET", path, identify=False)[0]
                    for path in ("/livez", "/version", "/api", "/api/v1/pods")]
        self.assertEqual(codes(), [200, 200, 401, 401])
        self.with_other_options("--anonymous-auth=true")
        self.assertEqual(codes(), [200, 200, 403, 403])
        _, _, message = self.status_of("GET", "/api/v1/pods", identify=False)
        self.assertIn('User "system:anonymous" cannot list resource "pods"', message)
        self.assert_unknown("a-wrong-token-is-not-nobody")
        self.restart("--anonymous-auth=false")
        self.assertEqual(codes(), [401, 401, 401, 401])
        self.restart("--authentication-config", self.place.authentication(
            anonymous={"enabled": True, "conditions": [{"path": "/livez"}]}))
        self.assertEqual(codes(), [200, 401, 401, 401])

    def test_acting_as_somebody_else(self):
        tess = {"token": "secret-of-tess"}
        as_eve = ["--as=eve", "--as-group=friends"]
        refused = self.kubectl_as(tess, "get", "pods", *as_eve, check=False)
        self.assertIn('User "tess" cannot impersonate resource "users"', refused.stderr)
        self.kubectl("create", "clusterrole", "eve", "--verb=impersonate", "--resource=users",
                     "--resource-name=eve")
        self.kubectl("create", "clusterrolebinding", "eve", "--clusterrole=eve", "--user=tess")
        eventually(lambda: self.kubectl_as(tess, "auth", "whoami", "--as=eve").returncode == 0,
                   "tess may be eve")
        refused = self.kubectl_as(tess, "get", "pods", *as_eve, check=False)
        self.assertIn('cannot impersonate resource "groups"', refused.stderr)
        shown = json.loads(self.kubectl("auth", "whoami", *as_eve, "--as-uid=u", "-o", "json"))
        self.assertEqual(shown["status"]["userInfo"], {
            "username": "eve", "uid": "u", "groups": ["friends", "system:authenticated"]})
        account = json.loads(self.kubectl("auth", "whoami", "--as=system:serviceaccount:default:x",
                                          "-o", "json"))
        self.assertIn("system:serviceaccounts:default", account["status"]["userInfo"]["groups"])

    # ------------------------------------------------------------------ what one may

    def may(self, name, *what):
        asked = self.kubectl_as({"token": f"secret-of-{name}"}, "auth", "can-i", *what, check=False)
        return asked.stdout.split()[0]

    def test_authorizers_are_asked_in_order(self):
        # ABAC: reading configmaps, and a path for a group.
        self.assertEqual(self.may("abel", "list", "configmaps"), "yes")
        self.assertEqual(self.may("abel", "create", "configmaps"), "no")
        self.assertEqual(self.may("abel", "list", "secrets"), "no")
        hugo = {"token": "hook-hugo"}
        self.kubectl_as(hugo, "get", "--raw", "/metrics")
        self.assertNotEqual(self.kubectl_as(hugo, "get", "pods", check=False).returncode, 0)
        # The webhook is asked last, and says why.
        self.assertEqual(self.may("hanna", "delete", "nodes"), "yes")
        self.kubectl_as({"token": "secret-of-hanna"}, "get", "secrets", "-A")
        refused = self.kubectl_as({"token": "secret-of-mallory"}, "get", "configmaps", check=False)
        self.assertIn('User "mallory" cannot list resource "configmaps"', refused.stderr)
        self.assertIn("banned", refused.stderr)
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                  "spec": {"user": "hanna", "resourceAttributes": {
                      "verb": "get", "resource": "pods", "namespace": "default"}}}
        made = json.loads(self.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(review)))
        self.assertEqual((made["status"]["allowed"], made["status"].get("reason")),
                         (True, "known to the webhook"))
        # RBAC comes before: what it grants is not asked about any further.
        self.kubectl("create", "clusterrolebinding", "mallory", "--clusterrole=view",
                     "--user=mallory")
        eventually(lambda: self.may("mallory", "list", "configmaps") == "yes", "the role counts")
        self.assertEqual(self.may("mallory", "list", "secrets"), "no")

    def test_an_authorization_configuration(self):
        self.kubectl("create", "clusterrolebinding", "viewers", "--clusterrole=view",
                     "--user=tess", "--user=hanna", "--user=mallory")
        self.addCleanup(self.kubectl, "delete", "clusterrolebinding", "viewers")
        webhook = {"timeout": "5s", "authorizedTTL": "1s", "unauthorizedTTL": "1s",
                   "subjectAccessReviewVersion": "v1",
                   "matchConditionSubjectAccessReviewVersion": "v1", "failurePolicy": "Deny",
                   "connectionInfo": {"type": "KubeConfigFile",
                                      "kubeConfigFile": self.place.path("rights.kubeconfig")},
                   "matchConditions": [{"expression": "has(request.resourceAttributes)"},
                                       {"expression": "request.user != 'abel'"}]}
        self.with_other_options(*self.files[:2], "--authorization-config", self.place.write(
            "authorization.json", json.dumps(
                {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration",
                 "authorizers": [{"type": "Webhook", "name": "rights", "webhook": webhook},
                                 {"type": "Node", "name": "node"},
                                 {"type": "RBAC", "name": "rbac"}]})))
        self.assertEqual(self.may("hanna", "delete", "nodes"), "yes")
        self.assertEqual(self.may("tess", "list", "configmaps"), "yes")
        self.assertEqual(self.may("tess", "delete", "configmaps"), "no")
        # What the first one forbids, the others are not asked about.
        refused = self.kubectl_as({"token": "secret-of-mallory"}, "get", "configmaps", check=False)
        self.assertIn("banned", refused.stderr)


if __name__ == "__main__":
    harness.main()
