#include "cluster/backup_file.h"

#include <memory>
#include <utility>

#include "net/digest.h"
#include "store/bytes.h"
#include "store/record.h"
#include "store/splice.h"

namespace pinnace::cluster {

namespace {

constexpr std::string_view kMagic = "pinnace backup 1\n";
constexpr std::size_t kHashBytes = 32;

Unexpected damaged(const std::string& what) {
  return errors::bad_request("the backup is damaged: " + what);
}

}  // namespace

std::string encode_backup(const store::Content& content) {
  std::string out(kMagic);
  store::append_fixed(out, content.revision, 8);
  std::string room;
  for (const store::ObjectRef& object : content.objects) {
    const auto put = store::record_put(
        {store::Event::Type::kAdded, object->revision, object, nullptr}, object->json.read(room));
    store::append_fixed(out, put.head.size() + put.body.size(), 8);
    store::append_fixed(out, object->revision, 8);
    out.append(put.head).append(put.body);
  }
  store::append_fixed(out, 0, 8);
  store::append_fixed(out, content.objects.size(), 8);
  return out += net::sha256(out);
}

Result<store::Content> decode_backup(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return errors::bad_request("this is no backup of pinnace");
  if (bytes.size() < kMagic.size() + kHashBytes) return damaged("it is cut short");
  const std::string_view hash = bytes.substr(bytes.size() - kHashBytes);
  bytes.remove_suffix(kHashBytes);
  if (net::sha256(bytes) != hash) return damaged("its checksum differs, or it is cut short");
  store::ByteReader reader{bytes.substr(kMagic.size())};
  store::Content content{reader.fixed(8), {}};
  while (const std::uint64_t length = reader.fixed(8)) {
    const store::Revision revision = reader.fixed(8);
    const std::string_view text = reader.bytes(length);
    if (!reader.ok) return damaged("a record is cut short");
    auto record = store::decode_record(store::record_key(revision), text);
    if (!record) return damaged(record.error().message);
    if (!store::is_spliced(*record->object)) return damaged("a record has no revision");
    content.objects.push_back(std::move(record->object));
  }
  if (reader.fixed(8) != content.objects.size() || !reader.ok || !reader.rest.empty()) {
    return damaged("its end is wrong");
  }
  return content;
}

}  // namespace pinnace::cluster
