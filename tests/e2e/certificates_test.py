#!/usr/bin/env python3
"""Certificates and tokens: requests that people and nodes make, what they get, and that it works."""
import base64
import json
import os
import subprocess

from harness import (PATIENCE_SECONDS, PINNACE, ServerTest, eventually, main, run)

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
RBAC = "rbac.authorization.k8s.io"
TOKEN_ID, TOKEN_SECRET = "abcdef", "0123456789abcdef"
NODE_CLIENT_ROLE = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
SELF_NODE_CLIENT_ROLE = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"


def decoded(text):
    return base64.b64decode(text).decode()


def binding(name, role, group):
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}]}


def bootstrap_token():
    return {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": f"bootstrap-token-{TOKEN_ID}", "namespace": "kube-system"},
            "stringData": {"token-id": TOKEN_ID, "token-secret": TOKEN_SECRET,
                           "usage-bootstrap-authentication": "true"}}


class Certificates(ServerTest):
    def path(self, name):
        return os.path.join(self.cluster.directory, name)

    def make_request(self, name, subject, signer, usages, *options):
        """A CertificateSigningRequest whose key stays in the file NAME.key."""
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", subject, "-keyout", self.path(name + ".key"), "-out",
             self.path(name + ".csr"), *options])
        with open(self.path(name + ".csr"), "rb") as file:
            request = base64.b64encode(file.read()).decode()
        return {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
                "metadata": {"name": name},
                "spec": {"signerName": f"kubernetes.io/{signer}", "usages": usages,
                         "request": request}}

    def issued(self, name):
        """Waits for the certificate of a request, and keeps it in the file NAME.crt."""
        def certificate():
            return self.get("csr", name).get("status", {}).get("certificate")
        text = decoded(eventually(certificate, f"the certificate of {name}"))
        with open(self.path(name + ".crt"), "w") as file:
            file.write(text)
        return self.path(name + ".crt")

    def as_holder(self, name, method, path, body=None):
        """A request by who holds a certificate and its key: (status, object)."""
        return self.send(["--cert", self.path(name + ".crt"), "--key", self.path(name + ".key")],
                         method, path, body)

    def with_token(self, token, method, path, body=None):
        return self.send(["-H", f"Authorization: Bearer {token}"], method, path, body)

    def send(self, credential, method, path, body):
        argv = ["curl", "-sS", "--max-time", "30", "-X", method, "--cacert",
                self.credentials()["ca"], "-w", "\n%{http_code}", *credential,
                f"https://127.0.0.1:{self.cluster.port}{path}"]
        if body is not None:
            argv += ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)]
        text, _, status = self.cluster.inside(argv).stdout.rpartition("\n")
        return int(status), json.loads(text)

    def who(self, sender, credential):
        status, review = sender(credential, "POST",
                                "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                                {"apiVersion": "authentication.k8s.io/v1",
                                 "kind": "SelfSubjectReview"})
        self.assertEqual(status, 201, review)
        return review["status"]["userInfo"]

    # ------------------------------------------------------------------ people

    def test_an_approved_request_becomes_a_client_certificate(self):
        request = self.make_request("jane", "/O=dev/CN=jane", "kube-apiserver-client",
                                    ["client auth"])
        request["spec"]["expirationSeconds"] = 3600
        self.apply(request)
        self.assertIn("Pending", self.kubectl("get", "csr", "jane"))
        self.kubectl("certificate", "approve", "jane")
        certificate = self.issued("jane")
        self.assertIn("Approved,Issued", self.kubectl("get", "csr", "jane"))
        conditions = self.get("csr", "jane")["status"]["conditions"]
        self.assertEqual([condition["type"] for condition in conditions], ["Approved"])
        self.assertIn("lastUpdateTime", conditions[0])
        user = self.who(self.as_holder, "jane")
        self.assertEqual(user["username"], "jane")
        self.assertIn("dev", user["groups"])
        text = run(["openssl", "x509", "-in", certificate, "-noout", "-text"]).stdout
        self.assertIn("TLS Web Client Authentication", text)
        self.assertIn("CA:FALSE", text)
        # It ends after the hour that was asked for.
        run(["openssl", "x509", "-in", certificate, "-noout", "-checkend", "3000"])
        ended = run(["openssl", "x509", "-in", certificate, "-noout", "-checkend", "3700"],
                    check=False)
        self.assertEqual(ended.returncode, 1)

    def test_a_denied_request_gets_nothing(self):
        self.apply(self.make_request("denied", "/CN=mallory", "kube-apiserver-client",
                                     ["client auth"]))
        self.kubectl("certificate", "deny", "denied")
        status = self.get("csr", "denied")["status"]
        self.assertEqual(status["conditions"][0]["type"], "Denied")
        self.assertNotIn("certificate", status)
        self.assertIn("Denied", self.kubectl("get", "csr", "denied"))

    def test_what_breaks_the_signers_rules_fails(self):
        self.apply(self.make_request("server", "/CN=server", "kube-apiserver-client",
                                     ["client auth", "server auth"]))
        self.kubectl("certificate", "approve", "server")

        def failed():
            return [condition for condition in self.get("csr", "server")["status"]["conditions"]
                    if condition["type"] == "Failed"]
        condition = eventually(failed, "the request fails")[0]
        self.assertEqual(condition["reason"], "SignerValidationFailure")
        self.assertEqual(condition["message"],
                         "invalid usage for client certificate: server auth")

    def test_nobody_asks_for_all_power(self):
        request = self.make_request("root", "/O=system:masters/CN=root", "kube-apiserver-client",
                                    ["client auth"])
        code, reason, message = self.status_of("POST", REQUESTS, request)
        self.assertEqual((code, reason), (403, "Forbidden"))
        self.assertIn("use of kubernetes.io/kube-apiserver-client signer with system:masters "
                      "group is not allowed", message)

    # ------------------------------------------------------------------ nodes

    def test_a_node_bootstraps_with_a_token_and_renews_itself(self):
        self.apply(bootstrap_token(),
                   binding("may-ask", "system:node-bootstrapper", "system:bootstrappers"),
                   binding("may-have", NODE_CLIENT_ROLE, "system:bootstrappers"),
                   binding("may-renew", SELF_NODE_CLIENT_ROLE, "system:nodes"))
        token = f"{TOKEN_ID}.{TOKEN_SECRET}"
        user = self.who(self.with_token, token)
        self.assertEqual(user["username"], f"system:bootstrap:{TOKEN_ID}")
        usages = ["client auth", "digital signature"]
        subject = "/O=system:nodes/CN=system:node:n1"
        status, made = self.with_token(
            token, "POST", REQUESTS,
            self.make_request("first", subject, "kube-apiserver-client-kubelet", usages))
        self.assertEqual(status, 201, made)
        self.issued("first")
        condition = self.get("csr", "first")["status"]["conditions"][0]
        self.assertEqual((condition["type"], condition["reason"]), ("Approved", "AutoApproved"))
        self.assertEqual(self.who(self.as_holder, "first")["username"], "system:node:n1")
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
        self.assertEqual(self.as_holder("first", "POST", "/api/v1/nodes", node)[0], 201)
        node["metadata"]["name"] = "n2"
        self.assertEqual(self.as_holder("first", "POST", "/api/v1/nodes", node)[0], 403)
        renewal = self.make_request("second", subject, "kube-apiserver-client-kubelet", usages)
        self.assertEqual(self.as_holder("first", "POST", REQUESTS, renewal)[0], 201)
        self.issued("second")
        self.assertEqual(self.who(self.as_holder, "second")["username"], "system:node:n1")
        self.kubectl("delete", "node", "n1")

    def kubeconfig_with_token(self):
        path = self.path("bootstrap.kubeconfig")
        with open(self.credentials()["ca"], "rb") as file:
            authority = base64.b64encode(file.read()).decode()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                  "clusters": [{"name": "c", "cluster": {
                      "server": f"https://127.0.0.1:{self.cluster.port}",
                      "certificate-authority-data": authority}}],
                  "users": [{"name": "c", "user": {"token": f"{TOKEN_ID}.{TOKEN_SECRET}"}}],
                  "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def test_the_agent_joins_by_itself(self):
        self.apply(bootstrap_token(),
                   binding("may-ask", "system:node-bootstrapper", "system:bootstrappers"),
                   binding("may-have", NODE_CLIENT_ROLE, "system:bootstrappers"),
                   binding("node-proxies", "system:node-proxier", "system:nodes"),
                   binding("node-ports", "system:pinnace:proxy", "system:nodes"),
                   binding("node-dns", "system:pinnace:dns", "system:nodes"), verb="apply")
        log = open(self.path("agent.log"), "ab")
        agent = subprocess.Popen(
            self.cluster.enter() + [
                PINNACE, "agent", "--name", self.cluster.name, "--data-dir", self.cluster.data_dir,
                "--node-name", "joiner", "--bootstrap-kubeconfig", self.kubeconfig_with_token(),
                "--rotate-server-certificates", "true"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            def serving_request():
                self.assertIsNone(agent.poll(), self.agent_log())
                return [item["metadata"]["name"] for item in self.get("csr")["items"]
                        if item["spec"]["signerName"] == "kubernetes.io/kubelet-serving"]
            name = eventually(serving_request, "the agent asks for what it shows")[0]
            client = [item for item in self.get("csr")["items"]
                      if item["spec"]["username"] == f"system:bootstrap:{TOKEN_ID}" and
                      item["metadata"]["name"].startswith("csr-")]
            self.assertIn("certificate", client[0]["status"])
            eventually(lambda: self.get("node", "joiner"), "the node registers")
            port = self.get("node", "joiner")["status"]["daemonEndpoints"]["kubeletEndpoint"][
                "Port"]
            self.assertNotIn("system:node:joiner", self.shown_by_agent(port))
            self.kubectl("certificate", "approve", name)
            eventually(lambda: "system:node:joiner" in self.shown_by_agent(port),
                       "the agent shows its new certificate, without a restart")
            self.assertEqual(self.kubectl("get", "--raw", "/api/v1/nodes/joiner/proxy/healthz"),
                             "ok")
            kubeconfig = os.path.join(self.cluster.data_dir, "kubelet", "kubeconfig")
            user = self.cluster.inside([*self.kubectl_argv()[:1], "--kubeconfig", kubeconfig,
                                        "auth", "whoami", "-o", "json"]).stdout
            self.assertEqual(json.loads(user)["status"]["userInfo"]["username"],
                             "system:node:joiner")
            eventually(lambda: self.kubectl("get", "node", "joiner", "--no-headers").split()[1]
                       == "Ready", "the node is ready")
        except AssertionError:
            print(self.agent_log())
            raise
        finally:
            agent.terminate()
            agent.wait(timeout=PATIENCE_SECONDS)
            log.close()

    def agent_log(self):
        with open(self.path("agent.log")) as file:
            return file.read()[-6000:]

    def shown_by_agent(self, port):
        return self.cluster.inside(["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
                                    "-showcerts"], check=False).stdout

    # ------------------------------------------------------------------ tokens in Secrets

    def test_a_secret_is_filled_and_goes_with_its_account(self):
        self.kubectl("create", "serviceaccount", "robot")
        self.apply({"apiVersion": "v1", "kind": "Secret",
                    "type": "kubernetes.io/service-account-token",
                    "metadata": {"name": "robot-token",
                                 "annotations": {"kubernetes.io/service-account.name": "robot"}}})
        secret = eventually(
            lambda: "token" in self.get("secret", "robot-token").get("data", {}) and
            self.get("secret", "robot-token"), "the Secret is filled")
        self.assertEqual(decoded(secret["data"]["namespace"]), "default")
        with open(self.credentials()["ca"]) as file:
            self.assertEqual(decoded(secret["data"]["ca.crt"]), file.read())
        account = self.get("serviceaccount", "robot")
        self.assertEqual(secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"],
                         account["metadata"]["uid"])
        token = decoded(secret["data"]["token"])
        self.assertEqual(self.who(self.with_token, token)["username"],
                         "system:serviceaccount:default:robot")
        used = eventually(lambda: self.get("secret", "robot-token")["metadata"].get("labels", {})
                          .get("kubernetes.io/legacy-token-last-used"), "its use is written down")
        self.assertRegex(used, r"^\d{4}-\d\d-\d\d$")
        invalid = "kubernetes.io/legacy-token-invalid-since"
        self.kubectl("label", "secret", "robot-token", f"{invalid}=2026-01-01")
        self.assertEqual(self.with_token(token, "GET", "/api")[0], 401)
        self.kubectl("label", "secret", "robot-token", f"{invalid}-")
        self.assertEqual(self.with_token(token, "GET", "/api")[0], 200)
        self.kubectl("delete", "serviceaccount", "robot")
        self.wait_gone("secret", "robot-token")
        self.assertEqual(self.with_token(token, "GET", "/api")[0], 401)

    def test_the_servers_authority_is_a_trust_bundle(self):
        bundles = eventually(lambda: self.get("clustertrustbundles")["items"], "a trust bundle")
        self.assertEqual(bundles[0]["spec"]["signerName"], "kubernetes.io/kube-apiserver-serving")
        with open(self.credentials()["ca"]) as file:
            self.assertEqual(bundles[0]["spec"]["trustBundle"], file.read())


if __name__ == "__main__":
    main()
