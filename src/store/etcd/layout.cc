#include "store/etcd/layout.h"

#include "base/strings.h"
#include "store/bytes.h"
#include "store/splice.h"

namespace pinnace::store::etcd {

namespace {

// The first byte of a value; another form gets another one.
constexpr char kForm = 1;

}  // namespace

bool Layout::is_own_key(std::string_view key) const {
  return key.starts_with(prefix) && key.substr(prefix.size()).starts_with("/~/");
}

std::string Layout::key_of(const Key& key) const {
  return prefix + '/' + key.resource + '/' + key.ns + '/' + key.name;
}

Result<Key> Layout::parse_key(std::string_view key) const {
  const auto bad = [&] {
    return errors::bad_request("\"" + std::string(key) + "\" is no key of an object");
  };
  if (!key.starts_with(prefix) || !key.substr(prefix.size()).starts_with('/')) return bad();
  const std::string_view path = key.substr(prefix.size() + 1);
  const auto name = path.rfind('/');
  if (name == path.npos || name == 0) return bad();
  const auto ns = path.rfind('/', name - 1);
  if (ns == path.npos || ns == 0 || name + 1 == path.size()) return bad();
  return Key{std::string(path.substr(0, ns)), std::string(path.substr(ns + 1, name - ns - 1)),
             std::string(path.substr(name + 1))};
}

Result<std::shared_ptr<Object>> Layout::decode(const KeyValue& pair) const {
  auto key = parse_key(pair.key);
  if (!key) return std::unexpected(std::move(key.error()));
  auto opened = open(*key, pair.value);
  if (!opened) return std::unexpected(std::move(opened.error()));
  auto value = decode_value(opened->plain);
  if (!value) return std::unexpected(std::move(value.error()));
  auto object = std::make_shared<Object>();
  object->key = std::move(*key);
  object->uid = value->uid;
  object->revision = from_etcd(pair.modified);
  object->created_revision = from_etcd(pair.created);
  splice(*object, value->head, value->tail);
  return object;
}

Result<std::string> Layout::seal(const Key& object, std::string value) const {
  if (transformer == nullptr || !transformer->seals(object.resource)) return value;
  return transformer->seal(object, value);
}

Result<Transformer::Opened> Layout::open(const Key& object, std::string_view value) const {
  return open_value(transformer.get(), object, value);
}

std::string encode_value(std::string_view uid, std::string_view head, std::string_view tail) {
  std::string out(1, kForm);
  out.reserve(9 + uid.size() + head.size() + tail.size());
  append_text(out, uid);
  append_fixed(out, head.size(), 4);
  return out.append(head).append(tail);
}

Result<DecodedValue> decode_value(std::string_view value) {
  ByteReader reader{value};
  const bool is_known = reader.fixed(1) == kForm;
  DecodedValue decoded;
  decoded.uid = reader.text();
  const auto head_bytes = reader.fixed(4);
  decoded.head = reader.bytes(head_bytes);
  decoded.tail = reader.rest;
  if (!is_known || !reader.ok || decoded.head.empty()) {
    return errors::internal("a value in etcd does not decode");
  }
  return decoded;
}

std::string encode_revision(Revision revision) { return std::to_string(revision); }

Result<Revision> decode_revision(std::string_view value) {
  if (const auto number = parse_uint(value)) return *number;
  return errors::internal("a revision in etcd does not decode");
}

}  // namespace pinnace::store::etcd
