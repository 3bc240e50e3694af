// Forms of a stored object besides its JSON, kept beside it: nothing is encoded twice for the same
// version, media and shape.
//
// Lifetime: a form is freed with its object.
// Threads: any. Two that ask at the same moment may both make a form; one of them is kept.
// Bounds: an object keeps at most kMaxForms, all objects together kMaxFormBytes; what is beyond is
//   made anew each time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/schema.h"
#include "apiserver/http/media.h"
#include "apiserver/registry/stored_json.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::apiserver {

inline constexpr int kMaxForms = 4;
inline constexpr std::size_t kMaxFormBytes = 64 << 20;

struct FormKey {
  FormKey(const api::ResourceInfo& version, Media media, Shape shape);
  const api::ResourceInfo* version;
  // Of a custom kind's version, since another may come to stand at the same address; otherwise 0.
  std::uint64_t serial;
  Media media;
  Shape shape;
  bool operator==(const FormKey&) const = default;
};

// The form that is kept, or the one that `make` gives. One that is the object's JSON takes no room.
Result<Bytes> derived_form(const store::ObjectRef& object, const FormKey& key,
                           const std::function<Result<std::string>()>& make);

}  // namespace pinnace::apiserver
