// What must hold for any objects, managers and order of requests.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "api/apply/compare.h"
#include "api/apply/ownership.h"
#include "api/apply/test_versions.h"
#include "api/json.h"
#include "base/rng.h"

namespace pinnace::api::apply {
namespace {

constexpr int kRuns = 300;
constexpr int kRequests = 25;

// Small configurations of a Pod that often speak of the same fields. Nothing in them is empty: an
// empty list or map that takes the place of a full one is stored as none, and is another thing then.
class Dice {
 public:
  Dice(Arena& arena, std::uint64_t seed) : arena_(arena), rng_(seeded_rng(seed)) {}

  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::uint64_t below(std::uint64_t n) { return rng_->next() % n; }
  std::string manager() { return std::string(1, static_cast<char>('a' + below(3))); }

  Value pod() {
    Value pod = Value::object();
    pod.set(arena_, "apiVersion", Value::string_ref("v1"));
    pod.set(arena_, "kind", Value::string_ref("Pod"));
    if (!one_in(3)) pod.ensure_object(arena_, "metadata").set(arena_, "labels", texts());
    if (one_in(3)) pod.ensure_object(arena_, "metadata").set(arena_, "finalizers", set());
    if (one_in(4)) return pod;
    Value& spec = pod.ensure_object(arena_, "spec");
    spec.set(arena_, "subdomain", text());
    if (const Value list = containers(); !list.empty()) spec.set(arena_, "containers", list);
    if (one_in(2)) spec.set(arena_, "hostname", text());
    if (one_in(4)) spec.set(arena_, "nodeSelector", texts());
    if (one_in(4)) spec.set(arena_, "tolerations", tolerations());
    return pod;
  }

 private:
  Value text() { return Value::string(arena_, "v" + std::to_string(below(2))); }
  Value texts() {
    Value map = Value::object();
    for (std::uint64_t i = 1 + below(2); i > 0; --i) {
      map.set(arena_, "k" + std::to_string(below(3)), text());
    }
    return map;
  }
  Value amounts() {
    Value map = Value::object();
    map.set(arena_, "cpu", Value::string_ref(one_in(2) ? "1" : "2"));
    return map;
  }
  Value set() {
    Value list = Value::array();
    for (std::uint64_t i = 0; i < 4; ++i) {
      if (i == 0 || one_in(2)) list.append(arena_, Value::string(arena_, "f" + std::to_string(i)));
    }
    return list;
  }
  Value tolerations() {
    Value list = Value::array();
    for (std::uint64_t i = 1 + below(2); i > 0; --i) {
      Value& item = list.append(arena_, Value::object());
      item.set(arena_, "key", text());
    }
    return list;
  }
  Value containers() {
    Value list = Value::array();
    for (std::uint64_t i = 0; i < 3; ++i) {
      if (one_in(2)) continue;
      const std::uint64_t at = list.empty() || one_in(2) ? list.size() : 0;
      Value item = Value::object();
      item.set(arena_, "name", Value::string(arena_, "c" + std::to_string(i)));
      if (one_in(2)) item.set(arena_, "image", text());
      if (one_in(2)) item.set(arena_, "ports", ports());
      if (one_in(3)) item.ensure_object(arena_, "resources").set(arena_, "limits", amounts());
      list.insert_item(arena_, at, item);
    }
    return list;
  }
  Value ports() {
    Value list = Value::array();
    for (std::int64_t port = 80; port < 82; ++port) {
      if (port > 80 && one_in(2)) continue;
      Value& item = list.append(arena_, Value::object());
      item.set(arena_, "containerPort", Value::integer(port));
      if (one_in(2)) item.set(arena_, "protocol", Value::string_ref("TCP"));
      if (one_in(2)) item.set(arena_, "name", text());
    }
    return list;
  }

  Arena& arena_;
  std::unique_ptr<Rng> rng_;
};

std::string text_of(Arena& arena, Managers managers) {
  for (Manager& manager : managers) manager.time = {};
  return to_json_text(encode_managers(arena, managers));
}

std::string text_of(Arena& arena, const FieldSet& set) {
  return to_json_text(encode_fields(arena, set));
}

FieldSet owned(Arena& arena, Managers& managers) {
  FieldSet all;
  for (Manager& manager : managers) all = unite(arena, all, manager.fields(arena));
  return all;
}

FieldSet without_kind(Arena& arena, const FieldSet& fields) {
  const auto type = parse_json(arena, R"({"f:apiVersion":{},"f:kind":{},"f:metadata":{}})");
  return subtract(arena, fields, *decode_fields(arena, *type));
}

class ApplyProperty : public ::testing::Test {
 protected:
  // One request of a random manager, and what must hold after it.
  void request(Dice& dice, bool appliers_only) {
    const std::string name = dice.manager();
    // Managers refer to the names of who wrote.
    const Writer writer{arena_.copy(name), "", "v1", "Pod", "2026-01-01T00:00:00Z"};
    const Value said = dice.pod();
    SCOPED_TRACE(name + " " + to_json_text(said) + " on " + to_json_text(object_) + " of " +
                 text_of(arena_, managers_));
    if (!appliers_only && dice.one_in(3)) {
      ASSERT_TRUE(track_update(arena_, versions_, writer, object_, settled(said), managers_));
      object_ = settled(said);
      return;
    }
    Managers before = managers_;
    auto applied = apply_configuration(arena_, versions_, writer, false, object_, said, managers_);
    if (!applied) {
      EXPECT_EQ(applied.error().code, 409) << applied.error().message;
      EXPECT_EQ(text_of(arena_, managers_), text_of(arena_, before));
      applied = apply_configuration(arena_, versions_, writer, true, object_, said, managers_);
    }
    ASSERT_TRUE(applied) << applied.error().message;
    object_ = settled(applied->object);
    expect_ownership(name, said);
    expect_repeatable(writer, said);
  }

  // Members that Go writes though nobody set them.
  Value without_empties(const Value& value) {
    Value out = value.is_array() ? Value::array() : Value::object();
    if (value.is_array()) {
      for (const Value& item : value.items()) out.append(arena_, without_empties(item));
      return out;
    }
    if (!value.is_object()) return value;
    for (const auto& [key, member] : value.members()) {
      const Value rest = without_empties(member);
      const bool is_empty = rest.is_null() || (rest.is_object() && rest.empty());
      if (!is_empty) out.set(arena_, key, rest);
    }
    return out;
  }
  // As it is stored: in its one form.
  Value settled(const Value& object) {
    Value copy = deep_copy(arena_, object);
    EXPECT_TRUE(normalise(arena_, copy, *versions_.find("v1")->type));
    return copy;
  }
  // What was applied is there, and the applier's.
  void expect_ownership(const std::string& name, const Value& said) {
    const FieldSet wanted = without_kind(arena_, fields_of(arena_, shape_, said));
    Manager self;
    self.name = name;
    self.operation = Operation::kApply;
    Manager* own = find_manager(managers_, self);
    const FieldSet has = own == nullptr ? FieldSet() : own->fields(arena_);
    EXPECT_EQ(text_of(arena_, has), text_of(arena_, wanted));
    const FieldSet there = fields_of(arena_, shape_, object_);
    EXPECT_EQ(text_of(arena_, subtract(arena_, leaves(wanted), there)), "{}");
  }
  // The same again changes nothing.
  void expect_repeatable(const Writer& writer, const Value& said) {
    const std::string before = text_of(arena_, managers_);
    const auto again =
        apply_configuration(arena_, versions_, writer, false, object_, said, managers_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(to_json_text(settled(again->object)), to_json_text(object_));
    EXPECT_EQ(text_of(arena_, managers_), before);
  }
  // Members without others below them: an empty map of one is no leaf once another fills it.
  FieldSet leaves(const FieldSet& set) {
    FieldSetBuilder builder(arena_);
    std::uint64_t serial = 0;
    FieldSet inner;
    for_each_field(set, [&](Path path) {
      if (path.back().kind() == PathElement::Kind::kField) return;
      std::vector<FieldSetBuilder::Step> steps;
      for (const PathElement& element : path) steps.push_back({element, ++serial});
      FieldSetBuilder one(arena_);
      one.insert(steps);
      inner = unite(arena_, inner, one.finish());
    });
    return inner;
  }

  Arena arena_;
  testing::BuiltinVersions versions_{"", "pods"};
  Shape shape_ = versions_.shape("v1");
  Value object_ = *parse_json(arena_, R"({"apiVersion":"v1","kind":"Pod"})");
  Managers managers_;
};

TEST_F(ApplyProperty, HoldsForAppliers) {
  for (int run = 0; run < kRuns; ++run) {
    SCOPED_TRACE(run);
    Dice dice(arena_, static_cast<std::uint64_t>(run));
    managers_.clear();
    object_ = *parse_json(arena_, R"({"apiVersion":"v1","kind":"Pod"})");
    for (int i = 0; i < kRequests; ++i) {
      request(dice, true);
      const FieldSet fields =
          without_kind(arena_, fields_of(arena_, shape_, without_empties(object_)));
      EXPECT_EQ(text_of(arena_, subtract(arena_, fields, owned(arena_, managers_))), "{}");
      if (HasFailure()) return;
    }
  }
}

TEST_F(ApplyProperty, HoldsAmongUpdates) {
  for (int run = 0; run < kRuns; ++run) {
    SCOPED_TRACE(run);
    Dice dice(arena_, static_cast<std::uint64_t>(run + kRuns));
    managers_.clear();
    object_ = *parse_json(arena_, R"({"apiVersion":"v1","kind":"Pod"})");
    for (int i = 0; i < kRequests; ++i) {
      request(dice, false);
      if (HasFailure()) return;
    }
  }
}

TEST_F(ApplyProperty, StoredFormsReadTheSame) {
  for (int run = 0; run < kRuns; ++run) {
    Dice dice(arena_, static_cast<std::uint64_t>(run));
    const FieldSet a = fields_of(arena_, shape_, dice.pod());
    const FieldSet b = fields_of(arena_, shape_, dice.pod());
    const Value stored = *parse_json(arena_, text_of(arena_, a));
    EXPECT_EQ(text_of(arena_, *decode_fields(arena_, stored)), text_of(arena_, a));
    EXPECT_EQ(shares_a_field(stored, b), !intersect(arena_, a, b).empty());
    EXPECT_EQ(has_every_field(stored, b), subtract(arena_, b, a).empty());
  }
}

}  // namespace
}  // namespace pinnace::api::apply
