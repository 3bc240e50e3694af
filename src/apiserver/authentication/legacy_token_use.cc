#include "apiserver/authentication/legacy_token_use.h"

#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kLastUsed = "kubernetes.io/legacy-token-last-used";
constexpr std::string_view kInvalidSince = "kubernetes.io/legacy-token-invalid-since";
constexpr std::size_t kDateLength = 10;  // "2026-01-01"

std::string_view label_of(const api::Value& secret, std::string_view name) {
  const auto* labels = secret.find_path({"metadata", "labels"});
  return labels == nullptr ? "" : labels->string_at(name);
}

}  // namespace

bool is_marked_invalid(const api::Value& secret) {
  return !label_of(secret, kInvalidSince).empty();
}

void note_use(store::Store& store, const store::Object& kept, api::Arena& arena, api::Value& secret,
              WallTime now) {
  const std::string today = rfc3339(now).substr(0, kDateLength);
  if (label_of(secret, kLastUsed) == today) return;
  meta_of(arena, secret)
      .ensure_object(arena, "labels")
      .set(arena, kLastUsed, api::Value::string(arena, today));
  SplitJson parts = split_json(secret);
  store.commit({store::Write::Type::kUpdate, kept.key, kept.uid, std::move(parts.head),
                std::move(parts.tail), kept.revision},
               [](const Result<store::ObjectRef>&) {});
}

}  // namespace pinnace::apiserver
