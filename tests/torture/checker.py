"""Proves from a history what the store promises; each function gives the faults that it finds.

The watches give the order: a log of every change by its revision. The checks hold everything else
against that log, and the log against the clock:
- no acknowledged write is lost, none is done twice, none that was refused is done at all;
- writes take effect between their call and their answer;
- no read is older than what anybody knew before it began, over all clients;
- a list is a state that existed, whole;
- a watch has every event of its range, once and in order;
- no two hold a lease at once;
- and there is enough in the history to prove any of it.
"""
import bisect
from collections import defaultdict

MAX_FAULTS = 20  # Of one kind; the first ones tell the story.


class Log:
    """Every change that any watch has seen, in the order of revisions."""

    def __init__(self, segments):
        by_revision = {}
        self.faults = []
        for segment in segments:
            for event in segment.events:
                known = by_revision.setdefault(event.revision, event)
                if known != event:
                    self.faults.append(f"two watches differ: {known} and {event}")
        self.events = [by_revision[revision] for revision in sorted(by_revision)]
        self.revisions = [event.revision for event in self.events]
        self.by_revision = by_revision
        self.by_key = defaultdict(list)
        self.by_value = defaultdict(list)
        self.deletions = defaultdict(list)  # By uid.
        for event in self.events:
            self.by_key[event.key].append(event)
            if event.type == "DELETED":
                self.deletions[event.uid].append(event)
            else:
                self.by_value[event.value].append(event)

    def between(self, after, through):
        first = bisect.bisect_right(self.revisions, after)
        return self.events[first:bisect.bisect_right(self.revisions, through)]

    def event_of(self, write):
        """What an acknowledged write did; None if the log has nothing of it."""
        if write.verb == "delete":
            found = self.deletions.get(write.uid, [])
        else:
            found = [event for event in self.by_value.get(write.value, []) if event.key == write.key]
        return found[0] if found else None


def check_log(log):
    """Each object comes, changes and goes."""
    faults = list(log.faults)
    for key, events in log.by_key.items():
        uid = None
        for event in events:
            if event.type == "ADDED":
                good = uid is None
                uid = event.uid
            else:
                good = uid == event.uid
                uid = None if event.type == "DELETED" else uid
            if not good:
                faults.append(f"{key}: {event} does not follow what was before")
    return faults


def check_segments(log, segments):
    """Every watch has all events of its range."""
    faults = []
    for segment in segments:
        wanted = log.between(segment.after, segment.through)
        if list(segment.events) != wanted:
            seen = [event.revision for event in segment.events]
            missing = sorted({event.revision for event in wanted} - set(seen))
            faults.append(f"{segment.watcher}: of ({segment.after}, {segment.through}] it misses "
                          f"{missing[:10]}, ordered: {seen == sorted(set(seen))}")
    return faults


def check_writes(log, writes):
    """What was acknowledged is there, once; what was refused is not."""
    faults = []
    previous = {}
    for events in log.by_key.values():
        for before, event in zip([None] + events, events):
            previous[event.revision] = before
    tried = {write.value for write in writes if write.verb != "delete"}
    for value, events in log.by_value.items():
        if len(events) > 1:
            faults.append(f"{value} was written twice: {events}")
        if value not in tried:
            faults.append(f"nobody wrote {events[0]}")
    for write in writes:
        event = log.event_of(write)
        if write.outcome == "ok" and event is None:
            faults.append(f"lost: {write}")
        elif write.outcome == "no" and event is not None and write.verb != "delete":
            faults.append(f"refused, and done: {write}, {event}")
        elif write.outcome == "ok" and write.revision and event.revision != write.revision:
            faults.append(f"acknowledged as {write.revision}: {event}")
        if event is not None and write.expected and write.outcome == "ok":
            before = previous[event.revision]
            if before is None or before.revision != write.expected:
                faults.append(f"{write} replaced {before}")
    return faults


class Knowledge:
    """The newest revision that somebody knew at a time, for one key or for all."""

    def __init__(self, facts):
        self.times, self.revisions = [], []
        newest = 0
        for time, revision in sorted(facts):
            newest = max(newest, revision)
            self.times.append(time)
            self.revisions.append(newest)

    def before(self, time):
        at = bisect.bisect_left(self.times, time)
        return self.revisions[at - 1] if at else 0


class Absences:
    """When there was no object of a key: from a deletion, or the beginning, until it is added."""

    def __init__(self, events, begun):
        self.sinces, self.untils, self.begins = [], [], []
        since = 0
        for event in events:
            if event.type == "ADDED" and since is not None:
                self._add(since, event.revision, begun)
            since = event.revision if event.type == "DELETED" else None
        if since is not None:
            self._add(since, float("inf"), begun)
        # The earliest that one of them or of those after it can have begun.
        for at in range(len(self.begins) - 1, 0, -1):
            self.begins[at - 1] = min(self.begins[at - 1], self.begins[at])

    def _add(self, since, until, begun):
        self.sinces.append(since)
        self.untils.append(until)
        self.begins.append(begun.get(since, 0))

    def seen(self, newest, end):
        """Which revision there had been at least when nothing was found by the time `end`, though
        `newest` was known before; None if there was always something."""
        at = bisect.bisect_right(self.untils, newest)
        return self.sinces[at] if at < len(self.untils) and self.begins[at] <= end else None


def check_real_time(log, writes, reads, lists, segments):
    """Nothing is older than what was known before it began, nor newer than what was begun."""
    faults, facts, facts_of = [], [], defaultdict(list)

    def learn(key, time, revision):
        facts.append((time, revision))
        facts_of[key].append((time, revision))

    begun = {}
    for write in writes:
        event = log.event_of(write)
        if event is not None:
            begin = min(write.begin, begun.get(event.revision, write.begin))
            begun[event.revision] = begin
            if write.outcome == "ok":
                learn(write.key, write.end, event.revision)
    for read in reads:
        if read.revision:
            learn(read.key, read.end, read.revision)
    for one in lists:
        facts.append((one.end, one.revision))
        for key, (revision, _) in one.objects.items():
            facts_of[key].append((one.end, revision))
    for segment in segments:
        for event, time in zip(segment.events, segment.times):
            learn(event.key, time, event.revision)
    absences = {key: Absences(log.by_key.get(key, []), begun)
                for key in {read.key for read in reads}}
    known_of = {key: Knowledge(facts_of[key]) for key in absences}
    for read in reads:  # Who found nothing knows of the deletion.
        if not read.revision:
            since = absences[read.key].seen(known_of[read.key].before(read.begin), read.end)
            learn(read.key, read.end, since or 0)
    known = Knowledge(facts)
    known_of = {key: Knowledge(facts_of[key]) for key in absences}

    for write in writes:
        event = log.event_of(write) if write.outcome == "ok" else None
        if event is not None and known.before(write.begin) >= event.revision:
            faults.append(f"{known.before(write.begin)} was known before {write}, {event}")
    for one in lists:
        if one.revision < known.before(one.begin):
            faults.append(f"stale list: {known.before(one.begin)} was known before "
                          f"{one.revision}, {one.begin}..{one.end}")
    for read in reads:
        newest = known_of[read.key].before(read.begin)
        if read.revision:
            event = log.by_revision.get(read.revision)
            if event is None or (event.key, event.value) != (read.key, read.value):
                faults.append(f"{read} is none of what was written: {event}")
            elif read.revision < newest:
                faults.append(f"stale: {newest} was known before {read}")
            elif begun.get(read.revision, 0) > read.end:
                faults.append(f"from the future: {read}")
        elif absences[read.key].seen(newest, read.end) is None:
            faults.append(f"stale: {newest} was known before nothing was found by {read}")
    return faults


def check_lists(log, lists):
    """Each list is the state at its revision."""
    faults, state, at = [], {}, 0
    for one in sorted(lists, key=lambda each: each.revision):
        while at < len(log.events) and log.events[at].revision <= one.revision:
            event = log.events[at]
            at += 1
            if event.type == "DELETED":
                state.pop(event.key, None)
            else:
                state[event.key] = (event.revision, event.value)
        if one.objects != state:
            differing = {key for key in set(state) | set(one.objects)
                         if state.get(key) != one.objects.get(key)}
            faults.append(f"the list at {one.revision} is no state: {sorted(differing)[:5]}")
    return faults


def check_holds(holds):
    """Nobody holds what another one does."""
    faults, by_lease = [], defaultdict(list)
    for hold in holds:
        by_lease[hold.lease].append(hold)
    for each in by_lease.values():
        each.sort(key=lambda hold: hold.begin)
        for first, second in zip(each, each[1:]):
            if second.begin < first.end:
                faults.append(f"held by two: {first}, {second}")
    return faults


def check_coverage(history):
    """A history in which nothing happened proves nothing."""
    missing = [f"a {verb} that was acknowledged" for verb in ("create", "update", "delete")
               if not any(write.verb == verb and write.outcome == "ok" for write in history.writes)]
    if not any(read.revision for read in history.reads):
        missing.append("a read that found something")
    if not any(one.objects for one in history.lists):
        missing.append("a list of something")
    if not any(segment.events for segment in history.segments):
        missing.append("a watch that saw something")
    if len({hold.holder for hold in history.holds}) < 2:
        missing.append("a lease that changed hands")
    return [f"the history does not have {each}" for each in missing]


def check(history):
    """{what: faults} of everything."""
    log = Log(history.segments)
    found = {
        "log": check_log(log),
        "watches": check_segments(log, history.segments),
        "writes": check_writes(log, history.writes),
        "real time": check_real_time(log, history.writes, history.reads, history.lists,
                                     history.segments),
        "lists": check_lists(log, history.lists),
        "leases": check_holds(history.holds),
        "coverage": check_coverage(history),
    }
    return {what: faults[:MAX_FAULTS] for what, faults in found.items() if faults}
