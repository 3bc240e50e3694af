"""The clients of a run: each a thread that does what chance says and writes down what it was told."""
import contextlib
import http.client
import json
import random
import threading
import time

from history import Event, Hold, List, Read, Segment, Write

NAMESPACE = "torture"
# Secrets: no controller makes any of its own.
OBJECTS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
REQUEST_SECONDS = 15
KEYS = [f"key-{i}" for i in range(10)]
# The same in all, and so long that stores keep what is at rest as its difference from its like.
PADDING = "".join(random.Random(1).choices("abcdefghijklmnop", k=3000))
LEASE_NAMES = ["lease-0", "lease-1"]
# Answers that say that nothing was done.
REFUSALS = {400, 403, 404, 409, 410, 413, 422, 429, 503}
now = time.monotonic_ns


class NotSent(Exception):
    """Nobody got the request."""


class NoAnswer(Exception):
    """Nobody knows what became of the request."""


class Connection:
    """One at a time, to any of the servers; moves on when one does not answer."""

    def __init__(self, ports, tls, rng):
        self.ports, self.tls, self.rng = ports, tls, rng
        self.http = None

    def move(self):
        if self.http:
            self.http.close()
        self.http = None

    def request(self, method, path, body=None, content_type="application/json", timeout=None):
        if self.http is None or self.rng.random() < 0.02:
            self.move()
            connection = http.client.HTTPSConnection("127.0.0.1", self.rng.choice(self.ports),
                                                     context=self.tls, timeout=REQUEST_SECONDS)
            try:
                connection.connect()
            except OSError as error:
                connection.close()
                raise NotSent(str(error)) from error
            self.http = connection
        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            self.http.sock.settimeout(timeout or REQUEST_SECONDS)
            self.http.request(method, path, json.dumps(body) if body is not None else None, headers)
            return self.http.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.move()
            raise NoAnswer(str(error)) from error

    def call(self, *arguments, **options):
        """(status, answer)."""
        response = self.request(*arguments, **options)
        try:
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.move()
            raise NoAnswer(str(error)) from error


def revision_of(thing):
    return int(thing["metadata"]["resourceVersion"])


def value_of(thing):
    return thing["metadata"]["annotations"]["value"]


class Client(threading.Thread):
    """A thread that works step by step until it is told to stop; a fault of its own ends the run."""

    def __init__(self, run, name):
        super().__init__(name=name, daemon=True)
        self.run_of, self.history = run, run.history
        self.rng = random.Random(f"{run.seed}/{name}")
        self.connection = Connection(run.cluster.ports, run.tls, self.rng)

    def run(self):
        try:
            while not self.run_of.is_over(self):
                self.step()
            self.finish()
        except Exception as error:  # pylint: disable=broad-except
            self.run_of.broken(self, error)
        finally:
            self.connection.move()

    def finish(self):
        """What is done once more at the end."""

    def pause(self):
        self.connection.move()
        time.sleep(0.02 + self.rng.random() * 0.1)


class Worker(Client):
    """Reads and writes objects."""

    def __init__(self, run, name):
        super().__init__(run, name)
        self.seen = {}  # Key → (revision, uid) as this client knows it.
        self.values = 0

    def step(self):
        verbs = [self.get, self.list, self.pages, self.create, self.replace, self.overwrite,
                 self.patch, self.delete]
        verb = self.rng.choices(verbs, [6, 1, 1, 3, 4, 2, 2, 2])[0]
        try:
            verb(self.rng.choice(KEYS))
        except (NotSent, NoAnswer):
            self.pause()

    def learn(self, key, thing):
        self.seen[key] = (revision_of(thing), thing["metadata"]["uid"])

    def get(self, key):
        begin = now()
        status, answer = self.connection.call("GET", f"{OBJECTS}/{key}")
        if status == 200:
            self.learn(key, answer)
            self.history.add(Read(key, begin, now(), revision_of(answer), value_of(answer)))
        elif status == 404:
            self.seen.pop(key, None)
            self.history.add(Read(key, begin, now(), None, None))
        else:
            self.pause()

    def list(self, _key, limit=0):
        begin, objects, token, revision = now(), {}, "", 0
        while True:
            query = f"?limit={limit}&continue={token}" if limit else ""
            status, answer = self.connection.call("GET", OBJECTS + query)
            if status != 200:
                return self.pause() if status != 410 else None
            if revision and revision != revision_of(answer):
                raise AssertionError(f"pages of {revision} and {revision_of(answer)}")
            end = end if revision else now()  # The first page says what the list is of.
            revision = revision_of(answer)
            for item in answer["items"]:
                objects[item["metadata"]["name"]] = (revision_of(item), value_of(item))
                self.learn(item["metadata"]["name"], item)
            token = answer["metadata"].get("continue", "")
            if not token:
                return self.history.add(List(begin, end, revision, objects))

    def pages(self, key):
        self.list(key, limit=3)

    def write(self, verb, key, method, path, body, expected=0, uid="",
              content_type="application/json"):
        value = "" if verb == "delete" else value_of(body)
        begin = now()
        outcome, revision = "unknown", 0
        try:
            status, answer = self.connection.call(method, path, body, content_type)
            if status in (200, 201):
                outcome = "ok"
                if verb == "delete":
                    self.seen.pop(key, None)
                else:
                    revision = revision_of(answer)
                    self.learn(key, answer)
            elif status in REFUSALS:
                outcome = "no"
                self.seen.pop(key, None)
            elif status not in (500, 504):
                raise AssertionError(f"{method} {path}: {status} {answer}")
        except NotSent:
            outcome = "no"
            self.pause()
        except NoAnswer:
            self.pause()
        self.history.add(Write(verb, key, value, expected, uid, begin, now(), outcome, revision))
        return revision

    def body(self, key, expected=0):
        self.values += 1
        metadata = {"name": key, "namespace": NAMESPACE,
                    "annotations": {"value": f"{self.name}-{self.values}"}}
        if expected:
            metadata["resourceVersion"] = str(expected)
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata,
                "stringData": {"padding": PADDING}}

    def create(self, key):
        return self.write("create", key, "POST", OBJECTS, self.body(key))

    def replace(self, key):
        if key not in self.seen:
            return self.get(key)
        expected = self.seen[key][0]
        return self.write("update", key, "PUT", f"{OBJECTS}/{key}", self.body(key, expected), expected)

    def overwrite(self, key):
        return self.write("update", key, "PUT", f"{OBJECTS}/{key}", self.body(key))

    def patch(self, key):
        body = {"metadata": {"annotations": self.body(key)["metadata"]["annotations"]}}
        return self.write("update", key, "PATCH", f"{OBJECTS}/{key}", body,
                          content_type="application/merge-patch+json")

    def delete(self, key):
        if key not in self.seen:
            return self.get(key)
        uid = self.seen[key][1]
        return self.write("delete", key, "DELETE", f"{OBJECTS}/{key}", {"preconditions": {"uid": uid}},
                          uid=uid)


class Locker(Client):
    """Takes leases and gives them back."""

    def __init__(self, run, name):
        super().__init__(run, name)
        self.takes = 0

    def step(self):
        lease = self.rng.choice(LEASE_NAMES)
        try:
            status, found = self.connection.call("GET", f"{LEASES}/{lease}")
            if status == 404:
                self.connection.call("POST", LEASES, {"metadata": {"name": lease}, "spec": {}})
            elif status != 200:
                self.pause()
            elif found["spec"].get("holderIdentity", "").startswith(f"{self.name}/"):
                self.hold(lease, found)  # What was asked for in vain came true.
            elif not found["spec"].get("holderIdentity"):
                self.takes += 1
                found["spec"]["holderIdentity"] = f"{self.name}/{self.takes}"
                status, found = self.connection.call("PUT", f"{LEASES}/{lease}", found)
                if status == 200:
                    self.hold(lease, found)
            else:
                time.sleep(0.005)
        except (NotSent, NoAnswer):
            self.pause()

    def hold(self, lease, held):
        begin = now()
        time.sleep(self.rng.random() * 0.02)
        held["spec"]["holderIdentity"] = ""
        self.history.add(Hold(lease, held["metadata"]["resourceVersion"] + self.name, begin, now()))
        self.connection.call("PUT", f"{LEASES}/{lease}", held)


class Tenant(Client):
    """Makes and removes Services, of which no two may have the same address."""

    def step(self):
        name = f"service-{self.rng.randrange(16)}"
        try:
            what = self.rng.random()
            if what < 0.5:
                self.connection.call("POST", SERVICES, {
                    "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
            elif what < 0.8:
                self.connection.call("DELETE", f"{SERVICES}/{name}")
            else:
                self.look()
        except (NotSent, NoAnswer):
            self.pause()

    def look(self):
        status, found = self.connection.call("GET", SERVICES)
        if status != 200:
            return
        addresses = [item["spec"]["clusterIP"] for item in found["items"]]
        if len(set(addresses)) != len(addresses):
            raise AssertionError(f"addresses were given twice: {found['items']}")


class Watcher(Client):
    """Watches without a gap, on one server after the other."""

    def __init__(self, run, name):
        super().__init__(run, name)
        self.revision = run.first_revision

    def step(self):
        seconds = self.rng.randint(2, 12)
        after, events, times = self.revision, [], []
        try:
            response = self.connection.request(
                "GET", f"{OBJECTS}?watch=true&resourceVersion={after}&allowWatchBookmarks=true"
                       f"&timeoutSeconds={seconds}", timeout=seconds + 5)
            if response.status == 410:
                raise AssertionError(f"{self.name} cannot go on from {after}: 410")
            if response.status == 200:
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    self.read(response, events, times)
        except (NotSent, NoAnswer):
            pass
        self.history.add(Segment(self.name, after, self.revision, tuple(events), tuple(times)))
        self.pause()

    def read(self, response, events, times):
        for line in response:
            event = json.loads(line)
            thing = event["object"]
            if event["type"] == "ERROR":
                raise AssertionError(f"{self.name} cannot go on from {self.revision}: {thing}")
            self.revision = revision_of(thing)
            if event["type"] != "BOOKMARK":
                times.append(now())
                events.append(Event(self.revision, event["type"], thing["metadata"]["name"],
                                    value_of(thing), thing["metadata"]["uid"]))
            if self.run_of.is_over(self):
                return
