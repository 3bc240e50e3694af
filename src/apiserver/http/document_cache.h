// DocumentCache keeps documents that are made from the schema (discovery, OpenAPI) while they are
// asked for.
//
// Why: they take milliseconds to make and together some megabytes to keep, and clients ask for them
//   in bursts and cache them: a server at rest keeps their ETags only.
// Lifetime: the cache may die before the timers that it has set.
// Threads: any. A document that two ask for at once may be made twice.
// Bounds: a document is dropped a minute after it was asked for last.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"

namespace pinnace::apiserver {

struct Document {
  std::shared_ptr<const std::string> text;
  std::string etag;  // Without quotes.
};

class DocumentCache {
 public:
  // Both must outlive the cache.
  DocumentCache(Executor& executor, const Clock& clock);

  using Make = std::function<std::string()>;
  Document get(const std::string& name, const Make& make);
  // The ETag alone, which is known forever once the document was made.
  std::string etag(const std::string& name, const Make& make);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::apiserver
