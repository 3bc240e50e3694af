#include "api/json_patch.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "api/go_text.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::size_t kMaxDepth = 512;
constexpr std::string_view kFailedTest = " failed: test failed";

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

// The steps of a path. As in Kubernetes, what stands before the first slash does not count.
struct Pointer {
  std::string_view text;
  std::vector<std::string> tokens;  // None: the path names no member.
};

Pointer parse_pointer(std::string_view text) {
  Pointer pointer{text, {}};
  const auto first = text.find('/');
  if (first == std::string_view::npos) return pointer;
  for (std::string_view token : split(text.substr(first + 1), '/')) {
    pointer.tokens.push_back(unescape(token));
  }
  return pointer;
}

// A place in a list as Go reads numbers; negative ones count from the end.
struct Place {
  std::optional<std::size_t> index;
  std::string problem;
};

// `size` is that of the list, or one more where something is added.
Place place_in(const std::string& token, std::size_t size) {
  const std::string_view digits =
      std::string_view(token).substr(token.starts_with('-') || token.starts_with('+') ? 1 : 0);
  const std::optional<std::uint64_t> number = parse_uint(digits);
  if (!number) {
    return {{}, "strconv.Atoi: parsing " + go_quoted(token) + ": invalid syntax"};
  }
  const bool from_end = token.starts_with('-') && *number != 0;
  if (from_end ? *number > size : *number >= size) {
    const std::string shown = (from_end ? "-" : "") + std::to_string(*number);
    return {{}, "Unable to access invalid index: " + shown + ": invalid index referenced"};
  }
  return {from_end ? size - *number : static_cast<std::size_t>(*number), {}};
}

class Patcher {
 public:
  Patcher(Arena& arena, Value& document) : arena_(arena), document_(document) {}

  Result<void> apply(const Value& operation) {
    const Value* op = operation.find("op");
    const std::string_view name = op == nullptr     ? "unknown"
                                  : op->is_string() ? op->as_string()
                                                    : "unknown";
    const Value* path = operation.find("path");
    const Value* value = operation.find("value");
    const bool is_transfer = name == "move" || name == "copy";
    const bool is_known =
        is_transfer || name == "add" || name == "remove" || name == "replace" || name == "test";
    if (!is_known) return patch_does_not_apply("Unexpected kind: " + std::string(name));
    if (path == nullptr || !path->is_string()) {
      return patch_does_not_apply(std::string(name) +
                                  " operation failed to decode path: missing value");
    }
    const Pointer pointer = parse_pointer(path->as_string());
    if (pointer.tokens.size() > kMaxDepth) {
      return errors::bad_request("json patch path is too deep");
    }
    // What is not said is null.
    const Value said = value == nullptr ? Value::null() : *value;
    if (name == "add") return add(pointer, said, "error in add for path: '" + text(pointer) + "'");
    if (name == "remove") {
      return remove(
          pointer,
          "remove operation does not apply: doc is missing path: \"" + text(pointer) + "\"",
          "error in remove for path: '" + text(pointer) + "'");
    }
    if (name == "replace") return replace(pointer, said);
    if (name == "test") return test(pointer, said);
    return transfer(name, operation, pointer);
  }

 private:
  static std::string text(const Pointer& pointer) { return std::string(pointer.text); }
  static Unexpected missing(std::string_view what) {
    return patch_does_not_apply(std::string(what) + ": missing value");
  }

  // What holds the member that a path names, or nullptr.
  Value* find_holder(const Pointer& pointer) {
    if (pointer.tokens.empty()) return nullptr;
    Value* at = &document_;
    for (std::size_t i = 0; i + 1 < pointer.tokens.size() && at != nullptr; ++i) {
      if (at->is_array()) {
        const Place place = place_in(pointer.tokens[i], at->size());
        at = place.index ? &at->items()[*place.index] : nullptr;
      } else {
        at = at->find(pointer.tokens[i]);
      }
    }
    return at != nullptr && (at->is_array() || at->is_object()) ? at : nullptr;
  }

  // The value of a member; null where an object does not have it.
  Result<Value> read(Value& holder, const std::string& token, const std::string& where) {
    if (holder.is_object()) {
      const Value* found = holder.find(token);
      return found == nullptr ? Value::null() : *found;
    }
    const Place place = place_in(token, holder.size());
    if (!place.index) return patch_does_not_apply(where + ": " + place.problem);
    return holder.items()[*place.index];
  }

  static Result<void> check_depth(const Pointer& pointer, const Value& value) {
    if (pointer.tokens.size() + weigh(value).depth <= kMaxDepth) return {};
    return errors::bad_request("json patch makes the document deeper than " +
                               std::to_string(kMaxDepth));
  }

  Result<void> add(const Pointer& pointer, const Value& value, const std::string& where) {
    if (Result<void> good = check_depth(pointer, value); !good) return good;
    Value* holder = find_holder(pointer);
    if (holder == nullptr) {
      return missing("add operation does not apply: doc is missing path: \"" + text(pointer) +
                     "\"");
    }
    return insert(*holder, pointer.tokens.back(), value, where);
  }

  Result<void> insert(Value& holder, const std::string& token, const Value& value,
                      const std::string& where) {
    if (holder.is_object()) {
      holder.set(arena_, token, copy_nodes(arena_, value));
      return {};
    }
    const Place place =
        token == "-" ? Place{holder.size(), {}} : place_in(token, holder.size() + 1);
    if (!place.index) {
      const bool is_number = place.problem.starts_with("Unable");
      return patch_does_not_apply(
          where + ": " +
          (is_number ? "" : "value was not a proper array index: '" + token + "': ") +
          place.problem);
    }
    holder.insert_item(arena_, *place.index, copy_nodes(arena_, value));
    return {};
  }

  Result<void> replace(const Pointer& pointer, const Value& value) {
    if (Result<void> good = check_depth(pointer, value); !good) return good;
    if (pointer.text.empty()) {
      if (!value.is_object() && !value.is_array()) {
        return patch_does_not_apply("replace operation value must be object or array");
      }
      document_ = copy_nodes(arena_, value);
      return {};
    }
    Value* holder = find_holder(pointer);
    const std::string problem = "replace operation does not apply: doc is missing ";
    if (holder == nullptr) return missing(problem + "path: " + text(pointer));
    const std::string& token = pointer.tokens.back();
    if (holder->is_object()) {
      holder->set(arena_, token, copy_nodes(arena_, value));
      return {};
    }
    const Place place = place_in(token, holder->size());
    if (!place.index) return missing(problem + "key: " + text(pointer));
    holder->items()[*place.index] = copy_nodes(arena_, value);
    return {};
  }

  Result<void> remove(const Pointer& pointer, const std::string& nowhere,
                      const std::string& where) {
    Value* holder = find_holder(pointer);
    if (holder == nullptr) return missing(nowhere);
    const std::string& token = pointer.tokens.back();
    if (holder->is_object()) {
      if (!holder->erase(token))
        return missing(where + ": Unable to remove nonexistent key: " + token);
      return {};
    }
    const Place place = place_in(token, holder->size());
    if (!place.index) return patch_does_not_apply(where + ": " + place.problem);
    holder->remove_item(*place.index);
    return {};
  }

  Result<void> transfer(std::string_view name, const Value& operation, const Pointer& target) {
    const std::string who(name);
    const Value* from = operation.find("from");
    if (from == nullptr || !from->is_string()) {
      return missing(who + " operation failed to decode from: operation, missing from field");
    }
    const Pointer source = parse_pointer(from->as_string());
    const std::string nowhere =
        who + " operation does not apply: doc is missing from path: " + text(source);
    Value* holder = find_holder(source);
    if (holder == nullptr) return missing(nowhere);
    const bool is_copy = name == "copy";
    const std::string where = is_copy ? "error in copy for from: '" + text(source) + "'"
                                      : "error in move for path: '" + source.tokens.back() + "'";
    const auto found = read(*holder, source.tokens.back(), where);
    if (!found) return std::unexpected(found.error());
    const Value value = copy_nodes(arena_, *found);
    const Weight weight = weigh(value);
    copied_bytes_ += weight.bytes;
    if (copied_bytes_ > kMaxCopiedBytes) {
      return patch_does_not_apply(
          "Unable to complete the copy, the accumulated size increase of copy is " +
          std::to_string(copied_bytes_) + ", exceeding the limit " +
          std::to_string(kMaxCopiedBytes));
    }
    if (!is_copy) {
      if (Result<void> removed = remove(source, nowhere, where); !removed) return removed;
    }
    if (Result<void> good = check_depth(target, value); !good) return good;
    Value* destination = find_holder(target);
    if (destination == nullptr) {
      return missing(who +
                     " operation does not apply: doc is missing destination path: " + text(target));
    }
    return insert(*destination, target.tokens.back(), value,
                  is_copy ? "error while adding value during copy"
                          : "error in move for path: '" + text(target) + "'");
  }

  Result<void> test(const Pointer& pointer, const Value& wanted) {
    Value found = document_;
    if (!pointer.text.empty()) {
      Value* holder = find_holder(pointer);
      if (holder == nullptr) {
        return missing("test operation does not apply: is missing path: " + text(pointer));
      }
      auto value =
          read(*holder, pointer.tokens.back(), "error in test for path: '" + text(pointer) + "'");
      if (!value) return std::unexpected(std::move(value.error()));
      found = *value;
    }
    if (equal(found, wanted)) return {};
    return patch_does_not_apply("testing value " + text(pointer) + std::string(kFailedTest));
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

bool is_failed_test(const Error& error) {
  return !error.causes.empty() && error.causes[0].message.ends_with(kFailedTest);
}

Result<void> apply_json_patch(Arena& arena, Value& document, const Value& patch) {
  if (patch.is_null()) return {};
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
    if (!operation.is_object() && !operation.is_null()) {
      return errors::bad_request("error decoding patch: an operation must be an object");
    }
    if (Result<void> applied = patcher.apply(operation); !applied) return applied;
  }
  return {};
}

}  // namespace pinnace::api
