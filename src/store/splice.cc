#include "store/splice.h"

namespace pinnace::store {

namespace {

constexpr std::string_view kConflict =
    "the object has been modified; please apply your changes to the latest version and try again";

// "apps/deployments" → "deployments.apps", as messages name it.
std::string qualified(const std::string& resource) {
  const auto slash = resource.find('/');
  if (slash == std::string::npos) return resource;
  return resource.substr(slash + 1) + '.' + resource.substr(0, slash);
}

std::string revision_member(Revision revision) {
  return "\"resourceVersion\":\"" + std::to_string(revision) + '"';
}

}  // namespace

void splice(Object& object, std::string_view head, std::string_view tail) {
  const std::string member = revision_member(object.revision);
  std::string text;
  text.reserve(head.size() + member.size() + tail.size());
  text.append(head).append(member).append(tail);
  object.json = std::move(text);
  object.revision_offset = static_cast<std::uint32_t>(head.size());
}

SplicedParts parts_of(const Object& object, std::string& room) {
  const std::string_view json = object.json.read(room);
  const std::size_t member = revision_member(object.revision).size();
  return {json.substr(0, object.revision_offset), json.substr(object.revision_offset + member)};
}

bool is_spliced(const Object& object) {
  std::string room;
  const std::string_view json = object.json.read(room);
  return object.revision_offset <= json.size() &&
         json.substr(object.revision_offset).starts_with(revision_member(object.revision));
}

void splice_stored(Object& object, const Object& stored) {
  std::string room;
  const SplicedParts parts = parts_of(stored, room);
  splice(object, parts.head, parts.tail);
}

Unexpected refusal(Write::Type type, const Key& key, bool is_there) {
  if (type == Write::Type::kCreate)
    return errors::already_exists(qualified(key.resource), key.name);
  if (is_there) return errors::conflict(qualified(key.resource), key.name, kConflict);
  auto error = errors::not_found(qualified(key.resource), key.name);
  error.error().message.clear();
  return error;
}

}  // namespace pinnace::store
