#include "apiserver/table/table_output.h"

#include "api/json.h"
#include "apiserver/http/piece_body.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"
#include "apiserver/table/table_columns.h"
#include "base/assert.h"

namespace pinnace::apiserver {
namespace {

// Writes the pieces of one Table: head, rows with commas between them, tail.
class TableWriter {
 public:
  static Result<TableWriter> create(const api::ResourceInfo& storage,
                                    const api::ResourceInfo& wanted, const Output& output) {
    PINNACE_ASSERT(output.clock != nullptr);
    auto columns = TableColumns::of(wanted);
    if (!columns) return std::unexpected(std::move(columns.error()));
    return TableWriter(storage, wanted, output, std::move(*columns));
  }

  // `list_meta` are the members of the list's metadata.
  std::string head(std::string_view list_meta, bool with_columns) const {
    std::string out = R"({"kind":"Table","apiVersion":"meta.k8s.io/)";
    out += output_.shape_version;
    (out += "\",\"metadata\":{") += list_meta;
    out += "},\"columnDefinitions\":";
    out += with_columns ? columns_->definitions_json() : "null";
    return out += ",\"rows\":[";
  }
  static constexpr std::string_view kTail = "]}";

  Result<void> write_row(std::string& out, const store::Object& object) const {
    api::Arena arena(16 << 10);
    auto tree = stored_tree(arena, object, storage_);
    if (!tree) return std::unexpected(std::move(tree.error()));
    begin_row(out, arena, *tree);
    if (output_.row_object == RowObject::kObject) {
      auto json = object_json(object, storage_, wanted_);
      if (!json) return std::unexpected(std::move(json.error()));
      (out += ",\"object\":") += *json;
    } else {
      write_metadata(out, *tree);
    }
    out += '}';
    return {};
  }

  void write_row(std::string& out, const api::Value& object) const {
    api::Arena arena;
    begin_row(out, arena, object);
    if (output_.row_object == RowObject::kObject) {
      out += ",\"object\":";
      api::write_json(out, object);
    } else {
      write_metadata(out, object);
    }
    out += '}';
  }

 private:
  TableWriter(const api::ResourceInfo& storage, const api::ResourceInfo& wanted,
              const Output& output, std::shared_ptr<const TableColumns> columns)
      : storage_(storage), wanted_(wanted), output_(output), columns_(std::move(columns)) {}

  void begin_row(std::string& out, api::Arena& arena, const api::Value& object) const {
    out += "{\"cells\":";
    columns_->write_cells(out, arena, object, output_.clock->wall());
    const std::string_view conditions = row_conditions_json(wanted_, object);
    if (!conditions.empty()) (out += ",\"conditions\":") += conditions;
  }

  void write_metadata(std::string& out, const api::Value& object) const {
    if (output_.row_object == RowObject::kNone) {
      out += ",\"object\":null";
      return;
    }
    out += R"(,"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/)";
    (out += output_.shape_version) += "\",\"metadata\":";
    const api::Value* metadata = object.find("metadata");
    if (metadata != nullptr)
      api::write_json(out, *metadata);
    else
      out += "{}";
    out += '}';
  }

  const api::ResourceInfo& storage_;
  const api::ResourceInfo& wanted_;
  Output output_;
  std::shared_ptr<const TableColumns> columns_;
};

// Rows that are made while the client takes them.
class TableBody final : public PieceBody {
 public:
  TableBody(CallRef call, TableWriter writer, std::string head,
            std::vector<store::ObjectRef> objects)
      : call_(std::move(call)),
        writer_(std::move(writer)),
        objects_(std::move(objects)),
        text_(std::move(head)) {}

 private:
  Next next(std::string_view& piece) override {
    if (ended_) return Next::kEnd;
    if (!is_begun_) {
      is_begun_ = true;
    } else if (at_ == objects_.size()) {
      ended_ = true;
      text_ = TableWriter::kTail;
      text_ += '\n';
    } else {
      text_ = at_ == 0 ? "" : ",";
      const store::ObjectRef object = std::move(objects_[at_++]);
      if (!writer_.write_row(text_, *object)) return Next::kFailed;
    }
    piece = text_;
    return Next::kPiece;
  }

  CallRef call_;
  TableWriter writer_;
  std::vector<store::ObjectRef> objects_;
  std::string text_;
  std::size_t at_ = 0;
  bool is_begun_ = false, ended_ = false;
};

std::string list_meta(store::Revision revision, const std::string& next, std::uint64_t remaining) {
  std::string out = "\"resourceVersion\":\"" + std::to_string(revision) + "\"";
  if (next.empty()) return out;
  out += ",\"continue\":";
  api::write_json_string(out, next);
  if (remaining > 0) out += ",\"remainingItemCount\":" + std::to_string(remaining);
  return out;
}

// The finished JSON in the media and layout that were asked for.
Result<std::string> laid_out(std::string json, const Output& output) {
  if (output.media == Media::kJson && !output.pretty) return json;
  api::Arena arena(64 << 10);
  auto tree = api::parse_json(arena, json);
  if (!tree) return std::unexpected(std::move(tree.error()));
  Output plain = output;
  plain.shape = Shape::kObject;
  return encode_value(*tree, nullptr, plain);
}

}  // namespace

Result<void> read_table_options(Call& call, const Clock& clock) {
  Output& output = call.output;
  if (output.shape != Shape::kTable) return {};
  output.clock = &clock;
  const std::string_view wanted = call.query.get("includeObject");
  if (wanted.empty() || wanted == "Metadata")
    output.row_object = RowObject::kMetadata;
  else if (wanted == "Object")
    output.row_object = RowObject::kObject;
  else if (wanted == "None")
    output.row_object = RowObject::kNone;
  else {
    std::string shown;
    api::write_json_string(shown, wanted);
    return errors::bad_request(
        "Unable to convert to Table as requested: includeObject: Invalid value: " + shown +
        ": must be 'Metadata', 'Object', 'None', or empty");
  }
  return {};
}

void answer_table(const CallRef& call, std::vector<store::ObjectRef> objects,
                  store::Revision revision, const std::string& next, std::uint64_t remaining) {
  auto writer = TableWriter::create(*call->storage, *call->resource, call->output);
  if (!writer) return answer_error(*call, writer.error());
  std::string text = writer->head(list_meta(revision, next, remaining), true);
  if (call->output.media == Media::kJson && !call->output.pretty) {
    constexpr std::size_t kAboutRowBytes = 500;
    const std::size_t about_bytes = objects.size() * kAboutRowBytes;
    auto body =
        std::make_unique<TableBody>(call, std::move(*writer), std::move(text), std::move(objects));
    return answer_body(*call, content_type_of(Media::kJson, false), std::move(body), about_bytes);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i != 0) text += ',';
    if (auto ok = writer->write_row(text, *objects[i]); !ok) return answer_error(*call, ok.error());
  }
  text += TableWriter::kTail;
  api::Arena arena(256 << 10);
  auto tree = api::parse_json(arena, text);
  if (!tree) return answer_error(*call, tree.error());
  answer_value(*call, 200, nullptr, *tree);
}

Result<std::string> table_json(const store::Object& object, const api::ResourceInfo& storage,
                               const api::ResourceInfo& wanted, const Output& output,
                               bool with_columns) {
  auto writer = TableWriter::create(storage, wanted, output);
  if (!writer) return std::unexpected(std::move(writer.error()));
  std::string out = writer->head(list_meta(object.revision, "", 0), with_columns);
  if (auto ok = writer->write_row(out, object); !ok) return std::unexpected(std::move(ok.error()));
  return laid_out(std::move(out += TableWriter::kTail), output);
}

Result<std::string> table_json(std::span<const api::Value> objects,
                               const api::ResourceInfo& resource, const Output& output) {
  auto writer = TableWriter::create(resource, resource, output);
  if (!writer) return std::unexpected(std::move(writer.error()));
  std::string out = writer->head("", true);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (i != 0) out += ',';
    writer->write_row(out, objects[i]);
  }
  return laid_out(std::move(out += TableWriter::kTail), output);
}

}  // namespace pinnace::apiserver
