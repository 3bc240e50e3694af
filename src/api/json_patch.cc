#include "api/json_patch.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxDepth = 512;

// What a tree weighs: roughly its bytes as JSON, and how deep it is.
struct Weight {
  std::size_t bytes = 0;
  std::size_t depth = 0;
};

Weight weigh(const Value& value) {
  Weight weight{8, 0};
  const auto add = [&](const Weight& child) {
    weight.bytes += child.bytes;
    weight.depth = std::max(weight.depth, child.depth + 1);
  };
  if (value.is_string()) weight.bytes += value.as_string().size();
  if (value.is_array()) {
    for (const Value& item : value.items()) add(weigh(item));
  } else if (value.is_object()) {
    for (const Member& member : value.members()) {
      add(weigh(member.value));
      weight.bytes += member.key.size();
    }
  }
  return weight;
}

std::string unescape(std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      text += token[++i] == '0' ? '~' : '/';
    } else {
      text += token[i];
    }
  }
  return text;
}

// A JSON pointer, taken apart.
struct Pointer {
  std::string_view text;
  std::vector<std::string> tokens;
};

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer pointer{text, {}};
  if (text.empty()) return pointer;
  if (text[0] != '/') {
    return errors::bad_request("json patch path \"" + std::string(text) + "\" must begin with /");
  }
  for (std::string_view token : split(text.substr(1), '/')) {
    pointer.tokens.push_back(unescape(token));
  }
  if (pointer.tokens.size() > kMaxDepth) return errors::bad_request("json patch path is too deep");
  return pointer;
}

class Patcher {
 public:
  Patcher(Arena& arena, Value& document) : arena_(arena), document_(document) {}

  Result<void> apply(const Value& operation) {
    const Value* path = operation.find("path");
    if (path == nullptr || !path->is_string()) {
      return errors::bad_request("json patch operation must have a \"path\"");
    }
    Result<Pointer> pointer = parse_pointer(path->as_string());
    if (!pointer) return Unexpected(pointer.error());
    const std::string_view name = operation.string_at("op");
    if (name == "remove") return remove(*pointer);
    if (name == "move" || name == "copy") return transfer(name, operation, *pointer);
    const Value* value = operation.find("value");
    if (name == "test") return test(*pointer, value != nullptr ? *value : Value::null());
    if (name != "add" && name != "replace") {
      return errors::bad_request("Unexpected kind: " + std::string(name));
    }
    if (value == nullptr) {
      return errors::bad_request("json patch operation \"" + std::string(name) +
                                 "\" must have a \"value\"");
    }
    return name == "add" ? add(*pointer, *value) : replace(*pointer, *value);
  }

 private:
  static Unexpected missing_path(std::string_view operation, const Pointer& pointer) {
    return patch_does_not_apply(std::string(operation) +
                                " operation does not apply: doc is missing path: \"" +
                                std::string(pointer.text) + "\": missing value");
  }

  // An existing element's place; "-" and numbers past the end are none.
  static std::optional<std::size_t> element(const Value& array, const std::string& token) {
    if (token.size() > 1 && token[0] == '0') return std::nullopt;
    const std::optional<std::uint64_t> place = parse_uint(token);
    if (!place || *place >= array.size()) return std::nullopt;
    return static_cast<std::size_t>(*place);
  }

  Value* find(const Pointer& pointer, std::size_t tokens) {
    Value* at = &document_;
    for (std::size_t i = 0; i < tokens && at != nullptr; ++i) {
      if (at->is_array()) {
        const std::optional<std::size_t> place = element(*at, pointer.tokens[i]);
        at = place ? &at->items()[*place] : nullptr;
      } else {
        at = at->find(pointer.tokens[i]);
      }
    }
    return at;
  }
  Value* find(const Pointer& pointer) { return find(pointer, pointer.tokens.size()); }
  Value* find_parent(const Pointer& pointer) {
    Value* parent = find(pointer, pointer.tokens.size() - 1);
    return parent != nullptr && (parent->is_array() || parent->is_object()) ? parent : nullptr;
  }

  static Result<void> check_depth(const Pointer& pointer, const Weight& weight) {
    if (pointer.tokens.size() + weight.depth <= kMaxDepth) return {};
    return errors::bad_request("json patch makes the document deeper than " +
                               std::to_string(kMaxDepth));
  }

  Result<void> add(const Pointer& pointer, const Value& value) {
    if (Result<void> good = check_depth(pointer, weigh(value)); !good) return good;
    if (pointer.tokens.empty()) {
      document_ = deep_copy(arena_, value);
      return {};
    }
    Value* parent = find_parent(pointer);
    if (parent == nullptr) return missing_path("add", pointer);
    const std::string& token = pointer.tokens.back();
    if (parent->is_object()) {
      parent->set(arena_, token, deep_copy(arena_, value));
      return {};
    }
    std::size_t place = parent->size();
    if (token != "-") {
      const std::optional<std::uint64_t> wanted = parse_uint(token);
      if (!wanted || *wanted > parent->size()) {
        return patch_does_not_apply(
            "add operation does not apply: error in add for path: '" + std::string(pointer.text) +
            "': Unable to access invalid index: " + token + ": invalid index referenced");
      }
      place = static_cast<std::size_t>(*wanted);
    }
    parent->insert_item(arena_, place, deep_copy(arena_, value));
    return {};
  }

  Result<void> replace(const Pointer& pointer, const Value& value) {
    if (Result<void> good = check_depth(pointer, weigh(value)); !good) return good;
    Value* target = find(pointer);
    if (target == nullptr) {
      return patch_does_not_apply("replace operation does not apply: doc is missing key: " +
                                  std::string(pointer.text) + ": missing value");
    }
    *target = deep_copy(arena_, value);
    return {};
  }

  Result<void> remove(const Pointer& pointer) {
    if (pointer.tokens.empty()) return errors::bad_request("json patch cannot remove the document");
    Value* parent = find_parent(pointer);
    if (parent == nullptr) return missing_path("remove", pointer);
    const std::string& token = pointer.tokens.back();
    const auto absent = [&](std::string_view why) {
      return patch_does_not_apply("error in remove for path: '" + std::string(pointer.text) +
                                  "': " + std::string(why) + token);
    };
    if (parent->is_object()) {
      if (!parent->erase(token)) return absent("Unable to remove nonexistent key: ");
      return {};
    }
    const std::optional<std::size_t> place = element(*parent, token);
    if (!place) return absent("Unable to access invalid index: ");
    parent->remove_item(*place);
    return {};
  }

  Result<void> transfer(std::string_view name, const Value& operation, const Pointer& target) {
    const Value* from = operation.find("from");
    if (from == nullptr || !from->is_string()) {
      return errors::bad_request("json patch operation \"" + std::string(name) +
                                 "\" must have a \"from\"");
    }
    Result<Pointer> source = parse_pointer(from->as_string());
    if (!source) return Unexpected(source.error());
    const Value* found = find(*source);
    if (found == nullptr) return missing_path(name, *source);
    copied_bytes_ += weigh(*found).bytes;
    if (copied_bytes_ > kMaxCopiedBytes) {
      return errors::too_large(
          "Unable to complete the copy, the accumulated size increase of copy is " +
          std::to_string(copied_bytes_) + ", exceeding the limit " +
          std::to_string(kMaxCopiedBytes));
    }
    if (name == "copy") return add(target, *found);
    if (target.text == source->text) return {};
    if (target.text.starts_with(std::string(source->text) + "/")) {
      return patch_does_not_apply("move operation does not apply: a value cannot move into itself");
    }
    const Value moved = deep_copy(arena_, *found);
    if (Result<void> removed = remove(*source); !removed) return removed;
    return add(target, moved);
  }

  Result<void> test(const Pointer& pointer, const Value& wanted) {
    const Value* found = find(pointer);
    // As everywhere in JSON Patch for Kubernetes, a missing value passes for null.
    const bool passes = found != nullptr ? equal(*found, wanted) : wanted.is_null();
    if (passes) return {};
    return patch_does_not_apply("testing value " + std::string(pointer.text) +
                                " failed: test failed");
  }

  Arena& arena_;
  Value& document_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

Unexpected patch_does_not_apply(std::string why) {
  Error error;
  error.code = 422;
  error.reason = "Invalid";
  error.message = "the server rejected our request due to an error in our request";
  error.causes.push_back({"UnexpectedServerResponse", std::move(why), ""});
  return Unexpected(std::move(error));
}

Result<void> apply_json_patch(Arena& arena, Value& document, const Value& patch) {
  if (!patch.is_array()) {
    return errors::bad_request("error decoding patch: a JSON patch must be a list of operations");
  }
  if (patch.size() > kMaxJsonPatchOperations) {
    return errors::too_large(
        "Request entity too large: The allowed maximum operations in a JSON patch is " +
        std::to_string(kMaxJsonPatchOperations) + ", got " + std::to_string(patch.size()));
  }
  Patcher patcher(arena, document);
  for (const Value& operation : patch.items()) {
    if (!operation.is_object()) {
      return errors::bad_request("error decoding patch: an operation must be an object");
    }
    if (Result<void> applied = patcher.apply(operation); !applied) return applied;
  }
  return {};
}

}  // namespace pinnace::api
