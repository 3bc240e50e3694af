"""The history of a run: what every client asked, when, and what it was answered.

Times are of one monotonic clock, in nanoseconds. Records are tuples, so that an hour of them fits in
memory; `MAX_RECORDS` ends a run that makes more.
"""
import threading
from collections import namedtuple

MAX_RECORDS = 2_000_000

# outcome: "ok"; "no" when the answer says that nothing was done; "unknown" when it does not say.
# key: the object's name. value: what was written, unique in the run. expected: the revision that the
# write was to replace, 0 for any. revision: of the object as answered, 0 if the answer has none.
Write = namedtuple("Write", "verb key value expected uid begin end outcome revision")
# revision and value are None when there was no object.
Read = namedtuple("Read", "key begin end revision value")
# objects: {name: (revision, value)}. revision: of the list.
List = namedtuple("List", "begin end revision objects")
# One connection's worth: all events after `after`, until it stands at `through`; `times`: when each
# event was seen.
Segment = namedtuple("Segment", "watcher after through events times", defaults=((),))
Event = namedtuple("Event", "revision type key value uid")
# Held for certain from `begin` to `end`.
Hold = namedtuple("Hold", "lease holder begin end")


class History:
    def __init__(self):
        self._lock = threading.Lock()
        self.records = {kind: [] for kind in (Write, Read, List, Segment, Hold)}

    def add(self, record):
        with self._lock:
            self.records[type(record)].append(record)

    def size(self):
        return sum(len(each) for each in self.records.values())

    def is_full(self):
        return self.size() >= MAX_RECORDS

    def __getattr__(self, name):
        kinds = {"writes": Write, "reads": Read, "lists": List, "segments": Segment, "holds": Hold}
        if name not in kinds:
            raise AttributeError(name)
        return self.records[kinds[name]]
