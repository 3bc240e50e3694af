// Content is all that a store holds at one revision, read out of one and written into another: for
// backups, and for a cluster that moves from its own disk to etcd or back.
//
// Why revisions jump: whoever saw the old cluster may know revisions that were given out after its
//   content was read. What is written begins kRevisionJump above everything that is known, so that
//   resourceVersions never go back and never mean another state; watches from before are Expired.
// Encryption: content in memory is plain; a Transformer (null: none) stands before the store.
// Threads: any; all of it blocks.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "store/etcd/etcd_store.h"
#include "store/history.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store {

struct Content {
  Revision revision = 0;
  std::vector<ObjectRef> objects;  // In the order of their revisions.
};

inline constexpr Revision kRevisionJump = 1'000'000'000;

Content content_of(const History::Loaded& loaded);

// Reads a directory that a running EmbeddedStore may go on writing to. 404 if there is none.
Result<Content> read_embedded(const std::string& directory, Transformer* transformer = nullptr);
// Makes the directory's store hold just this. 409 if it holds anything and not `force`; fails if a
// store has it open. Whatever happens, the directory is as it was or all of it is done.
Result<void> write_embedded(const std::string& directory, const Content& content, bool force,
                            Transformer* transformer = nullptr);

Result<Content> read_etcd(const EtcdAccess& access);
// The same for what is below the prefix. No API server may run on it. If it fails half way, the
// prefix is not empty, and the same again needs `force`.
Result<void> write_etcd(const EtcdAccess& access, const Content& content, bool force);

}  // namespace pinnace::store
