#include <yaml.h>

#include <cmath>
#include <map>
#include <optional>

#include "api/member_index.h"
#include "api/yaml.h"
#include "api/yaml_scalar.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kBinaryTag = "tag:yaml.org,2002:binary";
constexpr std::size_t kMaxDuplicates = 100;
constexpr std::size_t kMaxDocuments = 100'000;

struct Event {
  yaml_event_t raw{};
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  std::size_t line() const { return raw.start_mark.line + 1; }
};

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// A node's tree and what it counts against the alias limits.
struct Node {
  Value value;
  std::size_t nodes = 1;
  std::size_t bytes = 0;
};

class Reader {
 public:
  Reader(Arena& arena, std::string_view text, const ParseOptions& options)
      : arena_(arena), options_(options) {
    good_ = yaml_parser_initialize(&parser_) == 1;
    if (!good_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Reader() {
    if (good_) yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The next document, or nothing at the end.
  Result<std::optional<Value>> next_document() {
    if (!good_) return errors::internal("no memory to parse YAML");
    while (true) {
      Event event;
      if (Result<void> read = next(event); !read) return Unexpected(read.error());
      if (event.raw.type == YAML_STREAM_END_EVENT) return std::nullopt;
      if (event.raw.type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      Result<Node> root = read_node(0);
      if (!root) return Unexpected(root.error());
      return root->value;
    }
  }

 private:
  static Unexpected fail(std::size_t line, const std::string& what) {
    return errors::bad_request("error converting YAML to JSON: yaml: line " + std::to_string(line) +
                               ": " + what);
  }

  Result<void> next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) == 1) return {};
    const char* problem = parser_.problem != nullptr ? parser_.problem : "unknown problem";
    return fail(parser_.problem_mark.line + 1, problem);
  }

  Result<Node> read_node(int depth) {
    Event event;
    if (Result<void> read = next(event); !read) return Unexpected(read.error());
    return read_node(event, depth);
  }

  Result<Node> read_node(const Event& event, int depth) {
    switch (event.raw.type) {
      case YAML_ALIAS_EVENT:
        return alias(event);
      case YAML_SCALAR_EVENT: {
        Result<Node> node = scalar(event);
        if (node) remember(event.raw.data.scalar.anchor, *node);
        return node;
      }
      case YAML_SEQUENCE_START_EVENT: {
        const std::string anchor = open(event.raw.data.sequence_start.anchor);
        Result<Node> node = sequence(event, depth);
        if (node) close(anchor, *node);
        return node;
      }
      case YAML_MAPPING_START_EVENT: {
        const std::string anchor = open(event.raw.data.mapping_start.anchor);
        Result<Node> node = mapping(event, depth);
        if (node) close(anchor, *node);
        return node;
      }
      default:
        return fail(event.line(), "unexpected end of the document");
    }
  }

  void remember(const yaml_char_t* anchor, const Node& node) {
    if (anchor != nullptr) anchors_[std::string(text_of(anchor))] = node;
  }
  std::string open(const yaml_char_t* anchor) {
    std::string name(text_of(anchor));
    if (!name.empty()) anchors_[name] = std::nullopt;
    return name;
  }
  void close(const std::string& anchor, const Node& node) {
    if (!anchor.empty()) anchors_[anchor] = node;
  }

  Result<Node> alias(const Event& event) {
    const std::string name(text_of(event.raw.data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      return fail(event.line(), "unknown anchor '" + name + "' referenced");
    if (!found->second) return fail(event.line(), "anchor '" + name + "' value contains itself");
    const Node& node = *found->second;
    alias_nodes_ += node.nodes;
    alias_bytes_ += node.bytes;
    if (alias_nodes_ > kMaxAliasNodes || alias_bytes_ > kMaxAliasBytes) {
      return fail(event.line(), "document contains excessive aliasing");
    }
    return Node{deep_copy(arena_, node.value), node.nodes, node.bytes};
  }

  Result<Node> scalar(const Event& event) {
    const auto& scalar = event.raw.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const std::string_view tag = text_of(scalar.tag);
    Node node;
    node.bytes = text.size();
    if (tag.empty() && scalar.style == YAML_PLAIN_SCALAR_STYLE) {
      node.value = resolve_yaml_scalar(text);
    } else if (tag == kBinaryTag) {
      const std::optional<std::string> bytes = base64_decode(text);
      if (!bytes) return fail(event.line(), "!!binary value contains invalid base64 data");
      node.value = Value::string_ref(*bytes);
      node.value = Value::string(arena_, node.value.as_string());
      return node;
    } else if (tag.empty() || tag == YAML_STR_TAG || !tag.starts_with("tag:yaml.org,2002:")) {
      node.value = Value::string_ref(text);
    } else {
      node.value = resolve_yaml_scalar(text);
      if (!fits_tag(node.value, tag)) {
        return fail(event.line(), "cannot decode '" + std::string(text) + "' as a !!" +
                                      std::string(tag.substr(tag.rfind(':') + 1)));
      }
    }
    if (node.value.is_string()) node.value = Value::string(arena_, node.value.as_string());
    if (node.value.is_number() && !std::isfinite(node.value.as_double())) {
      return fail(event.line(), "unsupported value: " + std::string(text));
    }
    return node;
  }

  static bool fits_tag(const Value& value, std::string_view tag) {
    if (tag == YAML_INT_TAG) return value.is_int();
    if (tag == YAML_FLOAT_TAG) return value.is_number();
    if (tag == YAML_BOOL_TAG) return value.is_bool();
    if (tag == YAML_NULL_TAG) return value.is_null();
    return true;
  }

  Result<void> check_depth(const Event& event, int depth) {
    if (depth < options_.max_depth) return {};
    return fail(event.line(), "exceeded max depth of " + std::to_string(options_.max_depth));
  }

  Result<Node> sequence(const Event& start, int depth) {
    if (Result<void> good = check_depth(start, depth); !good) return Unexpected(good.error());
    Node result{Value::array()};
    while (true) {
      Event event;
      if (Result<void> read = next(event); !read) return Unexpected(read.error());
      if (event.raw.type == YAML_SEQUENCE_END_EVENT) return result;
      Result<Node> item = read_node(event, depth + 1);
      if (!item) return item;
      add_cost(result, *item);
      result.value.append(arena_, item->value);
    }
  }

  static void add_cost(Node& parent, const Node& child) {
    parent.nodes += child.nodes;
    parent.bytes += child.bytes;
  }

  Result<Node> mapping(const Event& start, int depth) {
    if (Result<void> good = check_depth(start, depth); !good) return Unexpected(good.error());
    Node result{Value::object()};
    MemberIndex index(result.value);
    std::vector<Value> merges;
    while (true) {
      Event event;
      if (Result<void> read = next(event); !read) return Unexpected(read.error());
      if (event.raw.type == YAML_MAPPING_END_EVENT) break;
      const bool is_merge = is_merge_key(event);
      Result<Node> key = read_node(event, depth + 1);
      if (!key) return key;
      Result<std::string_view> name = key_text(key->value, event.line());
      if (!name) return Unexpected(name.error());
      Event first;
      if (Result<void> read = next(first); !read) return Unexpected(read.error());
      Result<Node> value = read_node(first, depth + 1);
      if (!value) return value;
      add_cost(result, *value);
      result.bytes += name->size();
      if (is_merge) {
        if (!collect_merges(value->value, merges)) {
          return fail(event.line(), "map merge requires map or sequence of maps as the value");
        }
      } else if (const Value* earlier = index.find(*name)) {
        report_duplicate(first.line(), key->value);
        *const_cast<Value*>(earlier) = value->value;
      } else {
        result.value.add_ref(arena_, *name, value->value);
      }
    }
    // What the map itself says wins; of several merged maps the first.
    for (const Value& merged : merges) {
      for (const Member& member : merged.members()) {
        if (index.find(member.key) == nullptr) {
          result.value.add_ref(arena_, member.key, member.value);
        }
      }
    }
    return result;
  }

  static bool is_merge_key(const Event& event) {
    if (event.raw.type != YAML_SCALAR_EVENT) return false;
    const auto& scalar = event.raw.data.scalar;
    return scalar.style == YAML_PLAIN_SCALAR_STYLE && text_of(scalar.value) == "<<";
  }

  static bool collect_merges(const Value& value, std::vector<Value>& merges) {
    if (value.is_object()) {
      merges.push_back(value);
      return true;
    }
    if (!value.is_array()) return false;
    for (const Value& item : value.items()) {
      if (!item.is_object()) return false;
      merges.push_back(item);
    }
    return true;
  }

  Result<std::string_view> key_text(const Value& key, std::size_t line) {
    if (key.is_string()) return key.as_string();
    if (key.is_bool()) return key.as_bool() ? "true" : "false";
    if (key.is_number()) return arena_.copy(to_json_text(key));
    return fail(line, key.is_null() ? "null is not supported as a map key"
                                    : "maps and lists are not supported as map keys");
  }

  void report_duplicate(std::size_t line, const Value& key) {
    std::vector<std::string>* duplicates = options_.duplicate_fields;
    if (duplicates == nullptr || duplicates->size() >= kMaxDuplicates) return;
    duplicates->push_back("line " + std::to_string(line) + ": key " + to_json_text(key) +
                          " already set in map");
  }

  Arena& arena_;
  ParseOptions options_;
  yaml_parser_t parser_{};
  bool good_ = false;
  std::map<std::string, std::optional<Node>> anchors_;  // Nothing while the node is being read.
  std::size_t alias_nodes_ = 0;
  std::size_t alias_bytes_ = 0;
};

}  // namespace

Result<Value> parse_yaml(Arena& arena, std::string_view text, ParseOptions options) {
  Result<std::optional<Value>> document = Reader(arena, text, options).next_document();
  if (!document) return Unexpected(document.error());
  return document->value_or(Value::null());
}

Result<std::vector<Value>> parse_yaml_documents(Arena& arena, std::string_view text,
                                                ParseOptions options) {
  Reader reader(arena, text, options);
  std::vector<Value> documents;
  while (true) {
    Result<std::optional<Value>> document = reader.next_document();
    if (!document) return Unexpected(document.error());
    if (!*document) return documents;
    if ((*document)->is_null()) continue;
    if (documents.size() >= kMaxDocuments) return errors::bad_request("too many YAML documents");
    documents.push_back(**document);
  }
}

}  // namespace pinnace::api
