#include "store/record.h"

#include <cstdint>

#include "base/strings.h"
#include "store/bytes.h"

namespace pinnace::store {

namespace {

Unexpected damaged(std::string_view what) {
  return errors::internal("the store is damaged: " + std::string(what));
}

}  // namespace

std::string record_key(Revision revision) {
  std::string key = "r";
  append_fixed(key, revision, 8);
  return key;
}

std::string floor_key(std::string_view resource) {
  return std::string(kFloorPrefix).append(resource);
}

std::string today_key(std::string_view key) {
  if (key.starts_with('f')) return floor_key(key.substr(1));
  if (key == "mreserved") return std::string(kReservedKey);
  if (key == "mlost") return std::string(kLostKey);
  return std::string(key);
}

Journal::Batch::Put record_put(const Event& event, std::string_view body) {
  const Object& object = *event.object;
  std::string head;
  head.reserve(40 + object.key.resource.size() + object.key.ns.size() + object.key.name.size() +
               object.uid.size());
  append_fixed(head, static_cast<std::uint64_t>(event.type), 1);
  append_text(head, object.key.resource);
  append_text(head, object.key.ns);
  append_text(head, object.key.name);
  append_text(head, object.uid);
  append_fixed(head, object.created_revision, 8);
  append_fixed(head, object.revision_offset, 4);
  return {record_key(event.revision), std::move(head), body};
}

Journal::Batch::Put number_put(std::string key, Revision value) {
  std::string text;
  append_fixed(text, value, 8);
  return {std::move(key), std::move(text), {}};
}

Journal::Batch::Put lost_put(const std::vector<LostRange>& ranges) {
  std::string text;
  for (const auto& range : ranges) {
    append_fixed(text, range.after, 8);
    append_fixed(text, range.through, 8);
  }
  return {std::string(kLostKey), std::move(text), {}};
}

Result<Record> decode_record(std::string_view key, std::string_view value,
                             Transformer* transformer) {
  if (key.size() != 9) return damaged("a record's key is " + hex_encode(key));
  ByteReader revision{key.substr(1)};
  ByteReader reader{value};
  Record record{static_cast<Event::Type>(reader.fixed(1)), std::make_shared<Object>()};
  Object& object = *record.object;
  object.revision = revision.fixed(8);
  object.key.resource = reader.text();
  object.key.ns = reader.text();
  object.key.name = reader.text();
  object.uid = reader.text();
  object.created_revision = reader.fixed(8);
  object.revision_offset = static_cast<std::uint32_t>(reader.fixed(4));
  const auto does_not_decode = [&object] {
    return damaged("record " + std::to_string(object.revision) + " does not decode");
  };
  if (!reader.ok || record.type > Event::Type::kDeleted || object.key.resource.empty() ||
      object.key.name.empty()) {
    return does_not_decode();
  }
  auto opened = open_value(transformer, object.key, reader.rest);
  if (!opened) return std::unexpected(std::move(opened.error()));
  object.json = std::move(opened->plain);
  record.is_stale = opened->is_stale;
  if (object.revision_offset >= object.json.size()) return does_not_decode();
  return record;
}

Result<Revision> decode_number(std::string_view value) {
  if (value.size() != 8) return damaged("a revision does not decode");
  return ByteReader{value}.fixed(8);
}

Result<std::vector<LostRange>> decode_lost(std::string_view value) {
  if (value.size() % 16 != 0) return damaged("the lost revisions do not decode");
  std::vector<LostRange> ranges;
  ByteReader reader{value};
  while (!reader.rest.empty()) {
    const Revision after = reader.fixed(8);
    ranges.push_back({after, reader.fixed(8)});
  }
  return ranges;
}

}  // namespace pinnace::store
