#include "api/apply/managers.h"
#include "api/go_text.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace pinnace::api::apply {
namespace {

constexpr std::string_view kOldUpdates = "ancient-changes";
constexpr std::string_view kApplyText = "Apply";
constexpr std::string_view kUpdateText = "Update";
constexpr std::string_view kFieldsV1 = "FieldsV1";

using Identity = std::tuple<std::string_view, Operation, std::string_view, std::string_view>;

Identity identity(const Manager& manager) {
  const bool applies = manager.operation == Operation::kApply;
  return {manager.name, manager.operation, applies ? std::string_view() : manager.api_version,
          manager.subresource};
}

Result<Manager> decode_head(const Value& entry, std::size_t place) {
  Manager manager;
  const std::string_view operation = entry.string_at("operation");
  if (operation != kApplyText && operation != kUpdateText) {
    return errors::bad_request("operation must be `Apply` or `Update`");
  }
  manager.operation = operation == kApplyText ? Operation::kApply : Operation::kUpdate;
  manager.name = entry.string_at("manager");
  manager.api_version = entry.string_at("apiVersion");
  manager.subresource = entry.string_at("subresource");
  manager.time = entry.string_at("time");
  if (manager.api_version.empty()) return errors::bad_request("apiVersion must not be empty");
  const std::string_view type = entry.string_at("fieldsType");
  if (type.empty()) {
    return errors::bad_request("missing fieldsType in managed fields entry " +
                               std::to_string(place));
  }
  if (type != kFieldsV1) {
    return errors::bad_request("invalid fieldsType " + go_quoted(type) +
                               " in managed fields entry " + std::to_string(place));
  }
  return manager;
}

Value encode(Arena& arena, const Manager& manager, const Value& fields) {
  Value entry = Value::object();
  entry.reserve_entries(arena, 7);
  const auto add = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) entry.add_ref(arena, key, Value::string_ref(text));
  };
  add("manager", manager.name);
  add("operation", manager.operation == Operation::kApply ? kApplyText : kUpdateText);
  add("apiVersion", manager.api_version);
  add("time", manager.time);
  add("fieldsType", kFieldsV1);
  entry.add_ref(arena, "fieldsV1", fields);
  add("subresource", manager.subresource);
  return entry;
}

bool same_entry_but_for_time(const Value& a, const Value& b) {
  const auto covers = [](const Value& left, const Value& right) {
    return std::ranges::all_of(left.members(), [&](const Member& member) {
      if (member.key == "time") return true;
      const Value* other = right.find(member.key);
      return other != nullptr && equal(member.value, *other);
    });
  };
  return covers(a, b) && covers(b, a);
}

}  // namespace

bool Manager::is_same_as(const Manager& other) const { return identity(*this) == identity(other); }

Result<FieldSet> Manager::decode(Arena& arena) const {
  return state_ == State::kStored ? decode_fields(arena, stored_) : fields_;
}

const FieldSet& Manager::fields(Arena& arena) {
  if (state_ == State::kStored) {
    if (auto decoded = decode_fields(arena, stored_)) fields_ = *decoded;
    state_ = State::kDecoded;
  }
  return fields_;
}

void Manager::set_fields(const FieldSet& fields) {
  fields_ = fields;
  state_ = State::kChanged;
}

bool Manager::shares_a_field_with(Arena& arena, const FieldSet& set) {
  if (set.empty()) return false;
  if (state_ != State::kChanged) return shares_a_field(stored_, set);
  return !intersect(arena, fields_, set).empty();
}

bool Manager::has_every_field_of(Arena& arena, const FieldSet& set) {
  if (state_ != State::kChanged) return has_every_field(stored_, set);
  return subtract(arena, set, fields_).empty();
}

bool Manager::empty() const {
  switch (state_) {
    case State::kStored:
      return stored_.empty();
    case State::kDecoded:
    case State::kChanged:
      return fields_.empty();
  }
  return false;
}

Manager* find_manager(Managers& managers, const Manager& wanted) {
  const auto found = std::ranges::find_if(
      managers, [&](const Manager& manager) { return manager.is_same_as(wanted); });
  return found == managers.end() ? nullptr : &*found;
}

Result<Managers> decode_managers(const Value* list) {
  Managers managers;
  if (list == nullptr || list->is_null()) return managers;
  if (!list->is_array()) return errors::bad_request("managedFields must be a list");
  managers.reserve(list->size() + 1);
  std::map<Identity, std::size_t> places;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Value& entry = list->items()[i];
    auto manager = decode_head(entry, i);
    if (!manager) return std::unexpected(std::move(manager.error()));
    const Value* fields = entry.find("fieldsV1");
    manager->stored_ = fields == nullptr || fields->is_null() ? Value::object() : *fields;
    manager->state_ = Manager::State::kStored;
    const auto [place, is_new] = places.emplace(identity(*manager), managers.size());
    if (is_new)
      managers.push_back(*manager);
    else
      managers[place->second] = *manager;
  }
  return managers;
}

Result<Managers> decode_sent_managers(Arena& arena, const Value& list) {
  auto managers = decode_managers(&list);
  if (!managers) return managers;
  for (Manager& manager : *managers) {
    auto fields = manager.decode(arena);
    if (!fields) return std::unexpected(std::move(fields.error()));
    manager.set_fields(*fields);
  }
  return managers;
}

Value encode_managers(Arena& arena, Managers& managers) {
  std::ranges::sort(managers, [](const Manager& a, const Manager& b) {
    return std::tie(a.operation, a.time, a.name, a.api_version, a.subresource) <
           std::tie(b.operation, b.time, b.name, b.api_version, b.subresource);
  });
  Value list = Value::array();
  list.reserve_entries(arena, managers.size());
  for (const Manager& manager : managers) {
    const bool is_changed = manager.state_ == Manager::State::kChanged;
    const Value fields = is_changed ? encode_fields(arena, manager.fields_) : manager.stored_;
    list.append(arena, encode(arena, manager, fields));
  }
  return list;
}

bool is_reset(const Value& list) {
  if (!list.is_array()) return false;
  return list.empty() ||
         (list.size() == 1 && list.items()[0].is_object() && list.items()[0].empty());
}

bool same_but_for_times(const Value* a, const Value* b) {
  const std::size_t size = a == nullptr ? 0 : a->size();
  if (size != (b == nullptr ? 0 : b->size())) return false;
  return size == 0 || std::ranges::equal(a->items(), b->items(), same_entry_but_for_time);
}

void cap_updaters(Arena& arena, Managers& managers) {
  std::vector<std::size_t> updaters;
  for (std::size_t i = 0; i < managers.size(); ++i) {
    if (managers[i].operation == Operation::kUpdate) updaters.push_back(i);
  }
  std::size_t left = updaters.size();
  if (left <= kMaxUpdaters) return;
  std::ranges::sort(updaters, [&](std::size_t a, std::size_t b) {
    return std::tie(managers[a].time, managers[a].name, managers[a].api_version,
                    managers[a].subresource) < std::tie(managers[b].time, managers[b].name,
                                                        managers[b].api_version,
                                                        managers[b].subresource);
  });
  // The first of a version only becomes the bucket when a second one comes, and not if there is one
  // already.
  std::map<std::string_view, std::size_t> firsts, buckets;
  for (const std::size_t i : updaters) {
    const Manager& manager = managers[i];
    if (manager.name == kOldUpdates && manager.subresource.empty()) {
      buckets.emplace(manager.api_version, i);
    }
  }
  std::vector<bool> gone(managers.size());
  for (std::size_t i = 0; i < updaters.size() && left > kMaxUpdaters; ++i) {
    Manager& manager = managers[updaters[i]];
    const auto [first, is_first] = firsts.emplace(manager.api_version, updaters[i]);
    if (is_first) continue;
    const std::size_t place = buckets.emplace(manager.api_version, first->second).first->second;
    if (place == updaters[i]) continue;
    Manager& bucket = managers[place];
    bucket.name = kOldUpdates;
    bucket.subresource = {};
    bucket.set_fields(unite(arena, bucket.fields(arena), manager.fields(arena)));
    bucket.time = manager.time;
    gone[updaters[i]] = true;
    --left;
  }
  Managers kept;
  for (std::size_t i = 0; i < managers.size(); ++i) {
    if (!gone[i]) kept.push_back(managers[i]);
  }
  managers = std::move(kept);
}

}  // namespace pinnace::api::apply
