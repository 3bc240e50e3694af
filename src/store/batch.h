// BatchBuilder turns waiting writes into the events of one batch, checking each against what is
// there and what the batch has already changed. Pure: it changes nothing but itself.
#pragma once

#include <map>
#include <vector>

#include "store/history.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store {

class BatchBuilder {
 public:
  BatchBuilder(const History& history, Transformer* transformer)
      : history_(history), transformer_(transformer), revision_(history.revision()) {}

  // The object that `write` makes (or deleted), or why it cannot be done. Takes the write's parts.
  Result<ObjectRef> add(Write& write);
  const std::vector<Event>& events() const { return events_; }
  // The events as journal entries; the result refers to them.
  Journal::Batch journal_batch(const History::Dropped& dropped) const;

 private:
  ObjectRef current(const Key& key) const;

  const History& history_;
  Transformer* const transformer_;  // May be null.
  Revision revision_;
  std::vector<Event> events_;
  std::vector<std::string> sealed_;   // Beside `events_`; empty: the JSON is kept as it is.
  std::map<Key, ObjectRef> changed_;  // Null: deleted.
};

}  // namespace pinnace::store
