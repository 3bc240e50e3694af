#include "store/transfer.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>
#include <utility>

#include "io/files.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/rocks_journal.h"
#include "store/splice.h"

namespace pinnace::store {

namespace {

constexpr std::size_t kBatch = 1000;

Result<Content> read_journal(Journal& journal, Transformer* transformer) {
  auto recovered = recover(journal, transformer);
  if (!recovered) return std::unexpected(std::move(recovered.error()));
  return content_of(recovered->history);
}

// What the store in the directory has given out; refuses it if it holds anything and may not.
Result<Revision> check_target(const std::string& directory, bool force, Transformer* transformer) {
  if (!io::exists(directory + "/CURRENT")) return 0;
  auto journal = open_rocks_journal(directory);
  if (!journal) return std::unexpected(std::move(journal.error()));
  auto content = read_journal(**journal, transformer);
  if (!content) return std::unexpected(std::move(content.error()));
  if (!force && !content->objects.empty()) {
    return errors::conflict("stores", directory,
                            "it holds " + std::to_string(content->objects.size()) +
                                " objects, which --force would replace");
  }
  return content->revision;
}

Result<void> write_objects(Journal& journal, const Content& content, Revision base,
                           Transformer* transformer) {
  std::set<std::string> resources;
  Journal::Batch batch;
  // The batch refers to them: objects that are kept as they are, and sealed ones.
  std::vector<std::shared_ptr<Object>> kept;
  std::deque<std::string> sealed;
  Revision last = base;
  const auto flush = [&](bool is_last) {
    auto written = journal.write(std::exchange(batch, {}), is_last);
    kept.clear();
    sealed.clear();
    return written;
  };
  for (const ObjectRef& each : content.objects) {
    auto object = std::make_shared<Object>();
    object->key = each->key;
    object->uid = each->uid;
    object->revision = object->created_revision = ++last;
    splice_stored(*object, *each);
    std::string_view body = *object->json.whole();
    if (transformer != nullptr && transformer->seals(object->key.resource)) {
      auto made = transformer->seal(object->key, body);
      if (!made) return std::unexpected(std::move(made.error()));
      body = sealed.emplace_back(std::move(*made));
    }
    batch.puts.push_back(record_put({Event::Type::kAdded, last, object, nullptr}, body));
    kept.push_back(std::move(object));
    resources.insert(each->key.resource);
    if (kept.size() < kBatch) continue;
    if (auto written = flush(false); !written) return written;
  }
  for (const std::string& resource : resources) {
    batch.puts.push_back(number_put(floor_key(resource), last));
  }
  batch.puts.push_back(number_put(std::string(kReservedKey), last));
  batch.puts.push_back(lost_put({{0, last}}));
  return flush(true);
}

}  // namespace

Content content_of(const History::Loaded& loaded) {
  Content content{loaded.revision, {}};
  for (const auto& [name, resource] : loaded.resources) {
    content.objects.insert(content.objects.end(), resource.live.begin(), resource.live.end());
  }
  std::ranges::sort(content.objects, {}, [](const ObjectRef& each) { return each->revision; });
  return content;
}

Result<Content> read_embedded(const std::string& directory, Transformer* transformer) {
  auto journal = open_rocks_journal_beside(directory);
  if (!journal) return std::unexpected(std::move(journal.error()));
  return read_journal(**journal, transformer);
}

Result<void> write_embedded(const std::string& directory, const Content& content, bool force,
                            Transformer* transformer) {
  auto given_out = check_target(directory, force, transformer);
  if (!given_out) return std::unexpected(std::move(given_out.error()));
  const Revision base = std::max(*given_out, content.revision) + kRevisionJump;
  const std::string fresh = directory + ".restored", old = directory + ".replaced";
  for (const std::string& left : {fresh, old}) {
    if (auto removed = io::remove_tree(left); !removed) return removed;
  }
  {
    auto journal = open_rocks_journal(fresh);
    if (!journal) return std::unexpected(std::move(journal.error()));
    if (auto written = write_objects(**journal, content, base, transformer); !written)
      return written;
  }
  std::error_code failure;
  if (io::exists(directory)) std::filesystem::rename(directory, old, failure);
  if (!failure) std::filesystem::rename(fresh, directory, failure);
  if (failure) return errors::system("cannot put " + fresh + " in place", failure.value());
  return io::remove_tree(old);
}

}  // namespace pinnace::store
