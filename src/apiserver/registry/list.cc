// GET of one object and of lists: paging, selectors, and answers that are streamed from the store.
#include <algorithm>

#include "api/json.h"
#include "api/protobuf.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/http/piece_body.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/continue_token.h"
#include "apiserver/registry/list_options.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/page.h"
#include "apiserver/registry/registry.h"
#include "apiserver/table/table_output.h"
#include "base/assert.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kPage = 500;
// A list of more JSON than this is not laid out for people: it would have to be built whole.
constexpr std::size_t kMostLaidOut = 4 << 20;

// The number of `items` in every list's message.
constexpr std::uint32_t kItemsNumber = 2;

// What an object's text begins with and an entry of a list goes without: of built-in kinds the list
// alone says which they are. Empty where each entry says it.
std::string unsaid_head(const Call& call) {
  const bool is_said = call.resource->custom != nullptr || call.output.shape != Shape::kObject ||
                       call.output.media == Media::kProtobuf;
  if (is_said) return {};
  const ObjectKind kind = answered_kind(*call.resource, call.output);
  std::string out = "{\"kind\":";
  api::write_json_string(out, kind.kind);
  out += ",\"apiVersion\":";
  api::write_json_string(out, kind.api_version);
  return out + ",";
}

// An entry's text but for what the list alone says; `begin` becomes what then begins it.
std::string_view without_head(std::string_view entry, std::string_view unsaid,
                              std::string_view& begin) {
  const bool is_unsaid = !unsaid.empty() && entry.starts_with(unsaid);
  begin = is_unsaid ? "{" : "";
  return is_unsaid ? entry.substr(unsaid.size()) : entry;
}

// Head, entries, tail: pulled piece by piece. Between entries stand commas in JSON; in protobuf
// each has a head of its own.
class ListBody final : public PieceBody {
 public:
  ListBody(CallRef call, std::string head, std::vector<store::ObjectRef> objects)
      : call_(std::move(call)),
        objects_(std::move(objects)),
        is_protobuf_(call_->output.media == Media::kProtobuf),
        unsaid_(unsaid_head(*call_)),
        text_(std::move(head)) {}

 private:
  enum class Part { kHead, kBeforeEntry, kEntry, kEnd };

  Next next(std::string_view& piece) override {
    switch (part_) {
      case Part::kHead:
        piece = text_;
        part_ = Part::kBeforeEntry;
        return Next::kPiece;
      case Part::kBeforeEntry:
        return begin_entry(piece);
      case Part::kEntry:
        piece = rest_;
        part_ = Part::kBeforeEntry;
        return Next::kPiece;
      case Part::kEnd:
        break;
    }
    return Next::kEnd;
  }

  // What stands before the next entry, or after the last one.
  Next begin_entry(std::string_view& piece) {
    if (at_ == objects_.size()) {
      piece = is_protobuf_ ? api::kProtobufEnvelopeTail : std::string_view("]}\n");
      part_ = Part::kEnd;
      return Next::kPiece;
    }
    const store::ObjectRef object = std::move(objects_[at_]);
    auto entry = encode_entry(object, *call_->storage, *call_->resource, call_->output);
    if (!entry) return Next::kFailed;
    entry_ = std::move(*entry);
    part_ = Part::kEntry;
    text_.clear();
    if (is_protobuf_)
      text_ = api::protobuf_field_head(kItemsNumber, entry_->size());
    else if (at_ != 0)
      text_ = ",";
    std::string_view begin;
    rest_ = without_head(*entry_, unsaid_, begin);
    text_ += begin;
    piece = text_;
    ++at_;
    return Next::kPiece;
  }

  CallRef call_;
  std::vector<store::ObjectRef> objects_;
  const bool is_protobuf_;
  const std::string unsaid_;
  std::string text_;
  Bytes entry_;
  std::string_view rest_;  // Of `entry_`: what is not in `text_`.
  std::size_t at_ = 0;
  Part part_ = Part::kHead;
};

struct ListQuery {
  std::size_t limit = 0;
  std::string start;
  store::Revision at = 0;
  bool is_continued = false;
};

Result<void> read_continue(ListQuery& query, std::string_view token, std::string_view revision) {
  auto parsed = parse_continue(token);
  if (!parsed) {
    return errors::bad_request("invalid continue token: " + parsed.error().message);
  }
  if (!revision.empty() && revision != "0") {
    return errors::bad_request("specifying resource version is not allowed when using continue");
  }
  query.start = std::move(parsed->start);
  query.at = parsed->revision;
  query.is_continued = true;
  return {};
}

Result<ListQuery> parse_list_query(const Call& call, const ListOptions& options,
                                   const store::Store& store) {
  ListQuery query;
  if (options.limit > 0) query.limit = static_cast<std::size_t>(options.limit);
  const std::string_view revision = call.query.get("resourceVersion");
  const std::string_view token = call.query.get("continue");
  // Who takes whatever a server has in its cache gets all of it.
  if (revision == "0") query.limit = 0;
  if (!token.empty()) {
    if (auto ok = read_continue(query, token, revision); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    return query;
  }
  const auto wanted = parse_revision(revision);
  if (!wanted) {
    return errors::bad_request("invalid resource version: " + wanted.error().message);
  }
  if (*wanted > store.revision()) return store::too_large_revision(*wanted, store.revision());
  const std::string_view match = call.query.get("resourceVersionMatch");
  if (match == "Exact" || (match.empty() && query.limit != 0)) query.at = *wanted;
  return query;
}

// A list under way: parts of what is stored go in, what is selected of them stays.
struct Listing {
  BackendRef backend;
  CallRef call;
  Selection selection;
  ListQuery query;
  std::function<void(Page)> done;
  Page page{};
  std::string start = query.start;
  store::Revision at = query.at;

  std::string_view scope() const {
    return call->storage->namespaced ? std::string_view(call->info.ns) : std::string_view();
  }

  // The one object that can be selected.
  store::Snapshot read_one() const {
    store::Snapshot part;
    part.revision = backend->store().revision();
    auto one = backend->store().get({std::string(call->storage->storage_resource),
                                     std::string(scope()), selection.only_name()});
    if (one) part.objects.push_back(std::move(*one));
    return part;
  }

  Result<store::Snapshot> read_part() const {
    const bool is_in_scope = !scope().empty() || !call->storage->namespaced;
    if (!selection.only_name().empty() && query.at == 0 && is_in_scope) return read_one();
    const bool all = selection.matches_everything();
    const std::size_t chunk =
        query.limit == 0 ? 0 : (all ? query.limit : std::max(query.limit, kPage));
    if (at == 0 || backend->list_reach->reaches(at)) {
      auto part = backend->store().list(call->storage->storage_resource, scope(), start, chunk, at);
      if (part) return part;
    }
    return errors::expired("The resourceVersion for the provided list is too old.");
  }

  // True when there is nothing more to read. The part's objects are in the requested version.
  bool take(store::Snapshot part) {
    const bool all = selection.matches_everything();
    at = page.revision = part.revision;
    for (std::size_t i = 0; i < part.objects.size(); ++i) {
      const store::Key& key = part.objects[i]->key;
      start = key.ns.empty() ? key.name : key.ns + "/" + key.name;
      if (!all && !selection.matches(*part.objects[i])) continue;
      page.objects.push_back(std::move(part.objects[i]));
      if (query.limit == 0 || page.objects.size() < query.limit) continue;
      page.remaining = part.remaining + (part.objects.size() - i - 1);
      page.knows_remaining = all;
      if (page.remaining > 0) page.next = make_continue({page.revision, start});
      return true;
    }
    return !part.more;
  }
};
using ListingRef = std::shared_ptr<Listing>;

// The page that was asked for cannot be had any more; the rest as it is now can.
void answer_expired(Call& call, const ListQuery& query) {
  Error error = errors::expired(
                    "The provided continue parameter is too old to display a consistent list "
                    "result. You can start a new list without the continue parameter, or use the "
                    "continue token in this response to retrieve the remainder of the results. "
                    "Continuing with the provided token results in an inconsistent list - objects "
                    "that were created, modified, or deleted between the time the first chunk was "
                    "returned and now may show up in the list.")
                    .error();
  answer_status(call, error.code, status_json(error, make_continue({0, query.start})));
}

ObjectKind list_kind(const Call& call) {
  ObjectKind kind = answered_kind(*call.resource, call.output);
  const api::TypeInfo* type = call.resource->list_type;
  const bool is_partial = call.output.shape != Shape::kObject;
  kind.kind = is_partial || type == nullptr ? kind.kind + "List" : std::string(type->name);
  return kind;
}

std::string json_head(const Call& call, const Page& page) {
  const ObjectKind kind = list_kind(call);
  std::string out = "{\"kind\":";
  api::write_json_string(out, kind.kind);
  out += ",\"apiVersion\":";
  api::write_json_string(out, kind.api_version);
  out += ",\"metadata\":{\"resourceVersion\":\"" + std::to_string(page.revision) + "\"";
  // Lists of custom objects say that nothing follows.
  const bool says_end = call.resource->custom != nullptr && call.output.shape == Shape::kObject;
  if (!page.next.empty() || says_end) {
    out += ",\"continue\":\"" + page.next + "\"";
    if (page.knows_remaining) {
      out += ",\"remainingItemCount\":" + std::to_string(page.remaining);
    }
  }
  return out + "},\"items\":[";
}

// The envelope says how long the list is: every entry must have been encoded once to know.
Result<std::string> protobuf_head(const Call& call, const Page& page) {
  std::size_t entries_bytes = 0;
  for (const store::ObjectRef& object : page.objects) {
    auto entry = encode_entry(object, *call.storage, *call.resource, call.output);
    if (!entry) return std::unexpected(std::move(entry.error()));
    const std::size_t size = (*entry)->size();
    entries_bytes += api::protobuf_field_head(kItemsNumber, size).size() + size;
  }
  const auto* type =
      call.output.shape == Shape::kObject
          ? call.resource->list_type
          : api::builtin_schema().find_type("meta.k8s.io", "v1", "PartialObjectMetadataList");
  PINNACE_ASSERT(type != nullptr && type->field("items")->proto_number == kItemsNumber);
  api::Arena arena;
  auto tree = api::parse_json(arena, json_head(call, page) + "]}");
  if (!tree) return std::unexpected(std::move(tree.error()));
  std::string message;
  api::encode_protobuf(message, *tree, *type);
  const ObjectKind kind = list_kind(call);
  return api::protobuf_envelope_head(kind.api_version, kind.kind, message.size() + entries_bytes) +
         message;
}

// The whole list as one tree, for what is meant for people and cannot be written piece by piece.
void answer_whole_list(Call& call, const Page& page) {
  Output plain = call.output;
  plain.media = Media::kJson;
  plain.pretty = false;
  std::string json = json_head(call, page);
  const std::string unsaid = unsaid_head(call);
  for (std::size_t i = 0; i < page.objects.size(); ++i) {
    if (i != 0) json += ',';
    auto one = encode_entry(page.objects[i], *call.storage, *call.resource, plain);
    if (!one) return answer_error(call, one.error());
    std::string_view begin;
    const std::string_view rest = without_head(**one, unsaid, begin);
    (json += begin) += rest;
  }
  json += "]}";
  api::Arena arena(256 << 10);
  auto tree = api::parse_json(arena, json);
  if (!tree) return answer_error(call, tree.error());
  answer_value(call, 200, nullptr, *tree);
}

}  // namespace

Result<store::Revision> parse_revision(std::string_view text) {
  if (text.empty()) return store::Revision(0);
  const auto number = parse_uint(text);
  if (number) return *number;
  return errors::unexplained("resourceVersion: Invalid value: " + quoted(text) + ": " +
                             not_a_number("ParseUint", text));
}

namespace {

// What a GET may say besides what it gets.
Result<void> check_get_options(const Call& call, const store::Store& store) {
  if (call.query.flag("export")) {
    return errors::bad_request(
        "the export parameter, deprecated since v1.14, is no longer supported");
  }
  const auto wanted = parse_revision(call.query.get("resourceVersion"));
  if (!wanted) return std::unexpected(wanted.error());
  if (*wanted > store.revision()) return store::too_large_revision(*wanted, store.revision());
  return {};
}

}  // namespace

void get_object(const BackendRef& backend, const CallRef& call) {
  if (auto ok = check_get_options(*call, backend->store()); !ok) {
    return answer_error(*call, ok.error());
  }
  auto found = backend->store().get(key_of(*call));
  if (!found) {
    return answer_error(*call,
                        errors::not_found(resource_text(*call->resource), call->info.name).error());
  }
  answer_converted(backend, call, 200, std::move(*found));
}

namespace {

void refuse(const Listing& listing, const Error& error) {
  if (error.is("Expired") && listing.query.is_continued) {
    return answer_expired(*listing.call, listing.query);
  }
  answer_error(*listing.call, error);
}

void read_all(Listing& listing) {
  for (;;) {
    auto part = listing.read_part();
    if (!part) return refuse(listing, part.error());
    if (listing.take(std::move(*part))) return listing.done(std::move(listing.page));
  }
}

// What is selected is seen once the webhook has answered.
void read_converted(const ListingRef& listing) {
  auto part = listing->read_part();
  if (!part) return refuse(*listing, part.error());
  auto objects = std::exchange(part->objects, {});
  in_requested_version(
      listing->backend, listing->call, std::move(objects),
      [listing, part = std::move(*part)](Result<std::vector<store::ObjectRef>> shown) mutable {
        if (!shown) return answer_error(*listing->call, shown.error());
        part.objects = std::move(*shown);
        if (listing->take(std::move(part))) return listing->done(std::move(listing->page));
        read_converted(listing);
      });
}

}  // namespace

void read_page(const BackendRef& backend, const CallRef& call, std::function<void(Page)> done) {
  auto options = read_list_options(*call);
  if (!options) return answer_error(*call, options.error());
  auto query = parse_list_query(*call, *options, backend->store());
  if (!query) return answer_error(*call, query.error());
  Listing listing{backend, call, std::move(options->selection), std::move(*query), std::move(done)};
  if (!has_conversion_webhook(*call)) return read_all(listing);
  read_converted(std::make_shared<Listing>(std::move(listing)));
}

void answer_page(const CallRef& call, Page page) {
  if (call->output.shape == Shape::kTable) {
    return answer_table(call, std::move(page.objects), page.revision, page.next,
                        page.knows_remaining ? page.remaining : 0);
  }
  const Output& output = call->output;
  std::size_t about_bytes = 0;
  for (const auto& object : page.objects) about_bytes += object->json.size();
  const bool is_laid_out =
      output.media == Media::kJson && output.pretty && about_bytes <= kMostLaidOut;
  if (output.media == Media::kYaml || is_laid_out) return answer_whole_list(*call, page);
  std::string head;
  if (output.media == Media::kJson) {
    head = json_head(*call, page);
  } else {
    auto made = protobuf_head(*call, page);
    if (!made) return answer_error(*call, made.error());
    head = std::move(*made);
  }
  auto body = std::make_unique<ListBody>(call, std::move(head), std::move(page.objects));
  answer_body(*call, content_type_of(output.media, false), std::move(body), about_bytes);
}

void list_objects(const BackendRef& backend, const CallRef& call) {
  read_page(backend, call, [call](Page page) { answer_page(call, std::move(page)); });
}

}  // namespace pinnace::apiserver
