// An object's finished bytes: its JSON with the revision of the write inside; and the errors of
// writes that cannot be done. Both backends of the store make them here.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/store.h"

namespace pinnace::store {

// `object.json` becomes `head` + `"resourceVersion":"N"` + `tail`, with the object's revision.
void splice(Object& object, std::string_view head, std::string_view tail);
// The stored bytes again, with `object`'s revision.
void splice_stored(Object& object, const Object& stored);

// What is around the resourceVersion in finished bytes: the object's own, or put into `room`.
struct SplicedParts {
  std::string_view head, tail;
};
SplicedParts parts_of(const Object& object, std::string& room);
// Whether the revision stands where the object says, as `parts_of` needs it.
bool is_spliced(const Object& object);

// Why `write` cannot be done: for a kCreate that there is one; else that there is none, or another.
Unexpected refusal(Write::Type type, const Key& key, bool is_there);

}  // namespace pinnace::store
