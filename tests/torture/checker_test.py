#!/usr/bin/env python3
"""The checker finds every kind of fault, and none in a history without."""
import unittest

import checker
from history import Event, History, Hold, List, Read, Segment, Write


def good_history():
    """One key: made as 2, changed as 4, removed as 6; a and b take turns."""
    history = History()
    events = (Event(2, "ADDED", "k", "v1", "u"), Event(4, "MODIFIED", "k", "v2", "u"),
              Event(6, "DELETED", "k", "v2", "u"))
    for record in [
            Write("create", "k", "v1", 0, "", 10, 20, "ok", 2),
            Read("k", 21, 25, 2, "v1"),
            Write("update", "k", "refused", 1, "", 26, 28, "no", 0),
            Write("update", "k", "v2", 2, "", 30, 40, "ok", 4),
            List(41, 45, 5, {"k": (4, "v2")}),
            Write("delete", "k", "", 0, "u", 50, 60, "ok", 0),
            Read("k", 61, 65, None, None),
            Segment("w", 1, 4, events[:2]), Segment("w", 4, 7, events[2:]),
            Segment("x", 0, 6, events),
            Hold("l", "a", 10, 20), Hold("l", "b", 21, 30), Hold("m", "b", 15, 30)]:
        history.add(record)
    return history


class CheckerTest(unittest.TestCase):
    def found(self, *records, without=()):
        history = good_history()
        for kind in without:
            history.records[kind].clear()
        for record in records:
            history.add(record)
        return checker.check(history)

    def test_a_good_history_has_no_fault(self):
        self.assertEqual(self.found(), {})

    def test_a_lost_write_is_found(self):
        lost = Write("create", "other", "v9", 0, "", 70, 80, "ok", 9)
        self.assertIn("lost", self.found(lost)["writes"][0])
        lost = Write("delete", "k", "", 0, "u9", 70, 80, "ok", 0)
        self.assertIn("lost", self.found(lost)["writes"][0])

    def test_a_refused_write_that_was_done_is_found(self):
        refused = Write("update", "k", "v2", 2, "", 30, 40, "no", 0)
        self.assertIn("refused, and done", self.found(refused)["writes"][0])

    def test_a_write_that_nobody_asked_for_is_found(self):
        stray = Segment("y", 6, 8, (Event(8, "ADDED", "k", "v8", "u8"),))
        self.assertIn("nobody wrote", self.found(stray)["writes"][0])

    def test_a_write_that_was_done_twice_is_found(self):
        twice = Segment("y", 6, 8, (Event(8, "ADDED", "k", "v2", "u8"),))
        self.assertIn("twice", self.found(twice)["writes"][0])

    def test_an_update_that_replaced_another_revision_is_found(self):
        wrong = Write("update", "k", "v2", 3, "", 30, 40, "ok", 4)
        self.assertIn("replaced", self.found(wrong)["writes"][0])

    def test_stale_reads_are_found(self):
        self.assertIn("stale", self.found(Read("k", 42, 44, 2, "v1"))["real time"][0])
        self.assertIn("stale", self.found(Read("k", 42, 44, None, None))["real time"][0])
        self.assertIn("stale", self.found(Read("k", 62, 64, 4, "v2"))["real time"][0])
        self.assertIn("stale", self.found(List(42, 44, 3, {"k": (2, "v1")}))["real time"][0])

    def test_a_read_that_goes_back_behind_another_read_is_found(self):
        # The write has no answer yet; but once one reader saw it, all do.
        seen = Read("k", 31, 33, 4, "v2")
        self.assertEqual(self.found(seen, Read("k", 34, 36, 4, "v2")), {})
        self.assertIn("stale", self.found(seen, Read("k", 34, 36, 2, "v1"))["real time"][0])

    def test_a_read_that_finds_again_what_was_gone_is_found(self):
        # The deletion has no answer yet; but once one reader found nothing, all do.
        gone = Read("k", 51, 53, None, None)
        self.assertEqual(self.found(gone, Read("k", 54, 56, None, None)), {})
        self.assertIn("stale", self.found(gone, Read("k", 54, 56, 4, "v2"))["real time"][0])
        again = Segment("y", 6, 8, (Event(8, "ADDED", "k", "v8", "u8"),))
        made = Write("create", "k", "v8", 0, "", 70, 80, "unknown", 0)
        self.assertEqual(self.found(gone, again, made, Read("k", 71, 73, None, None)), {})
        self.assertEqual(self.found(gone, again, made, Read("k", 71, 73, 8, "v8")), {})

    def test_a_read_that_goes_back_behind_a_watch_is_found(self):
        # The write has no answer yet; but once a watch showed it, reads do.
        events = good_history().segments[0].events
        shown = Segment("y", 1, 4, events, times=(15, 33))
        self.assertEqual(self.found(shown, Read("k", 34, 36, 4, "v2")), {})
        self.assertIn("stale", self.found(shown, Read("k", 34, 36, 2, "v1"))["real time"][0])
        self.assertIn("stale", self.found(shown, List(34, 36, 3, {"k": (2, "v1")}))["real time"][0])
        gone = Segment("y", 4, 6, good_history().segments[2].events[2:], times=(53,))
        self.assertEqual(self.found(gone, Read("k", 54, 56, None, None)), {})
        self.assertIn("stale", self.found(gone, Read("k", 54, 56, 4, "v2"))["real time"][0])

    def test_reads_from_the_future_are_found(self):
        self.assertTrue(any("future" in fault for fault
                            in self.found(Read("k", 22, 24, 4, "v2"))["real time"]))
        self.assertIn("stale", self.found(Read("k", 22, 24, None, None))["real time"][0])

    def test_a_write_that_takes_effect_before_one_that_was_over_is_found(self):
        late = Write("create", "z", "z1", 0, "", 70, 80, "ok", 3)
        event = Segment("y", 2, 3, (Event(3, "ADDED", "z", "z1", "uz"),))
        self.assertTrue(any("was known before" in fault
                            for fault in self.found(late, event)["real time"]))

    def test_a_list_that_never_was_is_found(self):
        self.assertIn("no state", self.found(List(41, 45, 5, {}))["lists"][0])
        self.assertIn("no state", self.found(List(41, 45, 5, {"k": (2, "v1")}))["lists"][0])

    def test_gaps_and_disorder_of_watches_are_found(self):
        events = good_history().segments[2].events
        for wrong in [(events[0], events[2]), (events[1], events[0], events[2]),
                      (*events, events[2])]:
            self.assertIn("misses", self.found(Segment("y", 0, 6, wrong))["watches"][0])
        self.assertIn("misses", self.found(Segment("y", 2, 6, ()))["watches"][0])

    def test_watches_that_differ_are_found(self):
        other = Segment("y", 1, 3, (Event(2, "ADDED", "k", "other", "u"),))
        self.assertIn("differ", self.found(other)["log"][0])

    def test_an_object_that_comes_twice_is_found(self):
        again = Segment("y", 4, 5, (Event(5, "ADDED", "k", "v5", "u2"),))
        self.assertIn("does not follow", self.found(again)["log"][0])

    def test_a_history_that_proves_nothing_is_found(self):
        self.assertEqual(len(checker.check(History())["coverage"]), 7)
        for kind, what in ((Write, "acknowledged"), (Read, "read"), (List, "list"),
                           (Segment, "watch"), (Hold, "lease")):
            self.assertTrue(any(what in fault for fault in self.found(without=(kind,))["coverage"]))
        one_holder = self.found(Hold("l", "a", 10, 20), without=(Hold,))
        self.assertIn("changed hands", one_holder["coverage"][0])

    def test_a_lease_with_two_holders_is_found(self):
        self.assertIn("two", self.found(Hold("l", "c", 19, 22))["leases"][0])


if __name__ == "__main__":
    unittest.main()
