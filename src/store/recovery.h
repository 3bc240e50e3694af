// Recovery reads a journal back into what readers see.
#pragma once

#include "base/error.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/transformer.h"

namespace pinnace::store {

struct Recovered {
  History::Loaded history;
  // True if revisions may have been given out that are lost: `history.lost` has one more range,
  // which the caller must write down before it serves.
  bool lost_grew = false;
  bool has_stale = false;  // A record is kept otherwise than the transformer would keep it now.
  Journal::Batch renamed;  // What an earlier version kept under other keys: to be written first.
};

// Fails if the journal is damaged; says where.
Result<Recovered> recover(Journal& journal, Transformer* transformer);

}  // namespace pinnace::store
