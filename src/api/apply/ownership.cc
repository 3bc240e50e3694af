#include "api/apply/ownership.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "api/apply/check.h"
#include "api/apply/compare.h"
#include "api/apply/last_applied.h"
#include "api/apply/merge.h"
#include "api/go_text.h"

namespace pinnace::api::apply {
namespace {

constexpr std::string_view kBeforeFirstApply = "before-first-apply";
constexpr std::string_view kUnknown = "unknown";
// The one manager whose client-side configuration is looked at.
constexpr std::string_view kKubectl = "kubectl";

// What no writer is told to manage: the object's identity and what the server keeps.
FieldSet make_system_fields(Arena& arena) {
  static constexpr std::array<std::string_view, 9> kMetadata = {
      "clusterName",     "creationTimestamp", "generation", "managedFields", "name", "namespace",
      "resourceVersion", "selfLink",          "uid"};
  using Step = FieldSetBuilder::Step;
  FieldSetBuilder builder(arena);
  builder.insert(std::array{Step{PathElement::field("apiVersion"), 1}});
  builder.insert(std::array{Step{PathElement::field("kind"), 2}});
  const Step metadata{PathElement::field("metadata"), 3};
  builder.insert(std::array{metadata});
  std::uint64_t serial = metadata.serial;
  for (const std::string_view name : kMetadata) {
    builder.insert(std::array{metadata, Step{PathElement::field(name), ++serial}});
  }
  return builder.finish();
}

const FieldSet& system_fields() {
  struct Kept {
    Arena arena;
    FieldSet fields = make_system_fields(arena);
  };
  static const Kept kKept;
  return kKept.fields;
}

// What a write changes, in the terms of one version.
struct Delta {
  bool is_served = true;
  FieldSet changed;  // Added or modified.
  FieldSet removed;
};

// A write, as it looks in each version that somebody asks for.
class Transition {
 public:
  Transition(Arena& arena, const Versions& versions, std::string_view api_version,
             const Value& before, const Value& after)
      : arena_(arena),
        versions_(versions),
        api_version_(api_version),
        before_(before),
        after_(after) {}

  Result<const Delta*> in(std::string_view api_version) {
    const auto known = deltas_.find(api_version);
    if (known != deltas_.end()) return &known->second;
    auto made = make(api_version);
    if (!made) return std::unexpected(std::move(made.error()));
    return &deltas_.emplace(api_version, *made).first->second;
  }

 private:
  Result<Delta> make(std::string_view api_version) {
    const Shape shape = versions_.shape(api_version);
    if (!shape.is_declared()) return Delta{false, {}, {}};
    auto before = versions_.convert(arena_, before_, api_version_, api_version);
    if (!before) return std::unexpected(std::move(before.error()));
    auto after = versions_.convert(arena_, after_, api_version_, api_version);
    if (!after) return std::unexpected(std::move(after.error()));
    const Comparison all = compare(arena_, shape, *before, *after);
    return Delta{true, versions_.changeable(arena_, unite(arena_, all.modified, all.added)),
                 versions_.changeable(arena_, all.removed)};
  }

  Arena& arena_;
  const Versions& versions_;
  std::string_view api_version_;
  const Value& before_;
  const Value& after_;
  std::map<std::string_view, Delta> deltas_;
};

void drop_empty(Managers& managers) {
  std::erase_if(managers, [](const Manager& manager) { return manager.empty(); });
}

void release(Arena& arena, Manager& manager, const Delta& delta) {
  if (!delta.is_served) return manager.set_fields({});
  const bool is_touched = manager.shares_a_field_with(arena, delta.changed) ||
                          manager.shares_a_field_with(arena, delta.removed);
  if (!is_touched) return;
  manager.set_fields(
      subtract(arena, subtract(arena, manager.fields(arena), delta.changed), delta.removed));
}

void reconcile(Arena& arena, const Versions& versions, Managers& managers) {
  for (Manager& manager : managers) {
    const Shape shape = versions.shape(manager.api_version);
    if (!shape.is_declared()) continue;
    const FieldSet& fields = manager.fields(arena);
    const FieldSet now = reconciled(arena, shape, fields);
    if (now.entries.data() != fields.entries.data()) manager.set_fields(now);
  }
}

// Fields that a configuration changes and that another manages.
struct Conflict {
  Manager manager;
  FieldSet fields;
};

std::string manager_text(const Manager& manager) {
  std::string text = go_quoted(manager.name);
  if (!manager.subresource.empty()) {
    text += " with subresource " + go_quoted(manager.subresource);
  }
  if (manager.operation == Operation::kUpdate) text += " using " + std::string(manager.api_version);
  return text;
}

Unexpected conflict_error(std::vector<Conflict> conflicts) {
  std::ranges::sort(conflicts, [](const Conflict& a, const Conflict& b) {
    const auto order = [](const Manager& m) {
      return std::tie(m.name, m.operation, m.api_version, m.subresource);
    };
    return order(a.manager) < order(b.manager);
  });
  Error error;
  error.code = 409;
  error.reason = "Conflict";
  error.retry = Retry::kNever;
  std::string lines;
  for (const Conflict& conflict : conflicts) {
    const std::string who = manager_text(conflict.manager);
    (lines += lines.empty() ? "" : "\n") += "conflicts with " + who + ":";
    for_each_field(conflict.fields, [&](Path path) {
      const std::string field = display(path);
      lines += "\n- " + field;
      error.causes.push_back({"FieldManagerConflict", "conflict with " + who, field});
    });
  }
  const std::size_t count = error.causes.size();
  error.message = count == 1
                      ? "Apply failed with 1 conflict: " + error.causes[0].message + ": " +
                            error.causes[0].field
                      : "Apply failed with " + std::to_string(count) + " conflicts: " + lines;
  return std::unexpected(std::move(error));
}

// What an attempt to apply gives: conflicts, or what is to be.
struct Attempt {
  std::vector<Conflict> conflicts;
  Value object;
  bool changes = false;
  Managers managers;
};

class Applier {
 public:
  Applier(Arena& arena, const Versions& versions, const Writer& writer, const Value& live,
          const Value& config)
      : arena_(arena),
        versions_(versions),
        writer_(writer),
        live_(live),
        config_(config),
        shape_(versions.shape(writer.api_version)) {}

  Result<Attempt> attempt(bool force, const Managers& before) {
    Attempt attempt{{}, {}, false, before};
    Manager own;
    own.name = writer_.manager;
    own.operation = Operation::kApply;
    own.api_version = writer_.api_version;
    own.subresource = writer_.subresource;
    Managers others;
    Manager last = own;
    for (const Manager& manager : attempt.managers) {
      if (manager.is_same_as(own))
        last = manager;
      else
        others.push_back(manager);
    }
    own.time = last.time;
    own.set_fields(versions_.changeable(arena_, fields_of(arena_, shape_, config_)));
    auto merged = merge(arena_, shape_, live_, config_);
    if (!merged) return std::unexpected(std::move(merged.error()));
    auto pruned = prune(*merged, last, own, others);
    if (!pruned) return std::unexpected(std::move(pruned.error()));
    attempt.object = *pruned;
    if (auto ok = transfer(force, attempt, others); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    attempt.changes = !equal(live_, attempt.object);
    if (attempt.changes) own.time = writer_.now;
    own.set_fields(subtract(arena_, own.fields(arena_), system_fields()));
    others.push_back(own);
    drop_empty(others);
    attempt.managers = std::move(others);
    return attempt;
  }

 private:
  // Takes from the others what changes; or, unless it may do so by force, tells the conflicts.
  Result<void> transfer(bool force, Attempt& attempt, Managers& others) {
    Transition transition(arena_, versions_, writer_.api_version, live_, attempt.object);
    std::vector<const Delta*> deltas;
    for (Manager& other : others) {
      auto delta = transition.in(other.api_version);
      if (!delta) return std::unexpected(std::move(delta.error()));
      deltas.push_back(*delta);
      if (force || !other.shares_a_field_with(arena_, (*delta)->changed)) continue;
      attempt.conflicts.push_back(
          {other, intersect(arena_, other.fields(arena_), (*delta)->changed)});
    }
    for (std::size_t i = 0; i < others.size(); ++i) release(arena_, others[i], *deltas[i]);
    return {};
  }

  // An object in one version, and how it is walked there.
  struct Versioned {
    Value object;
    std::string_view api_version;
  };
  Result<Value> to(std::string_view api_version, const Versioned& from) {
    return versions_.convert(arena_, from.object, from.api_version, api_version);
  }
  FieldSet all_fields(const Shape& shape, const Value& object) {
    return with_parents(arena_, shape, fields_of(arena_, shape, object));
  }

  // Takes out what the manager applied last time and does not apply now, unless another manages it.
  Result<Value> prune(const Value& merged, Manager& last, Manager& own, Managers& others) {
    const FieldSet& applied = last.fields(arena_);
    const Shape shape = versions_.shape(last.api_version);
    if (applied.empty() || !shape.is_declared()) return merged;
    auto before = to(last.api_version, {merged, writer_.api_version});
    if (!before) return before;
    const FieldSet applied_all = with_parents(arena_, shape, applied);
    Versioned pruned{object_of(remove_fields(arena_, shape, *before, applied_all)),
                     last.api_version};
    if (auto ok = add_back_managed({*before, last.api_version}, pruned, own, others); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    // What is gone though this manager did not have it comes back, too.
    auto kept = to(last.api_version, pruned);
    if (!kept) return kept;
    const FieldSet gone = subtract(arena_, all_fields(shape, *before), all_fields(shape, *kept));
    const Value result =
        remove_fields(arena_, shape, *before, intersect(arena_, gone, applied_all));
    return to(writer_.api_version, {object_of(result), last.api_version});
  }

  // Puts back what somebody manages, in the words of every version in which somebody does; that of
  // the last configuration first, since other versions may need what stands there.
  Result<void> add_back_managed(const Versioned& merged, Versioned& pruned, Manager& own,
                                Managers& others) {
    std::map<std::string_view, FieldSet> managed;
    const auto add = [&](Manager& manager) {
      FieldSet& fields = managed[manager.api_version];
      fields = unite(arena_, fields, manager.fields(arena_));
    };
    add(own);
    for (Manager& other : others) add(other);
    std::vector<std::string_view> order = {merged.api_version};
    for (const auto& [version, fields] : managed) {
      if (version != merged.api_version) order.push_back(version);
    }
    for (const std::string_view version : order) {
      const Shape shape = versions_.shape(version);
      if (!shape.is_declared()) continue;
      auto whole = to(version, merged);
      if (!whole) return std::unexpected(std::move(whole.error()));
      auto part = to(version, pruned);
      if (!part) return std::unexpected(std::move(part.error()));
      const FieldSet stays =
          unite(arena_, all_fields(shape, *part), with_parents(arena_, shape, managed[version]));
      const FieldSet goes = subtract(arena_, all_fields(shape, *whole), stays);
      pruned = {object_of(remove_fields(arena_, shape, *whole, goes)), version};
    }
    return {};
  }
  // Removal of everything leaves null.
  static Value object_of(const Value& value) { return value.is_object() ? value : Value::object(); }

  Arena& arena_;
  const Versions& versions_;
  const Writer& writer_;
  const Value& live_;
  const Value& config_;
  Shape shape_;
};

Result<void> check(Arena& arena, const Versions& versions, const Writer& writer, const Value& live,
                   const Value& config) {
  const Value* managed = config.find_path({"metadata", "managedFields"});
  if (managed != nullptr && !managed->is_null()) {
    return errors::bad_request("metadata.managedFields must be nil");
  }
  const Shape shape = versions.shape(writer.api_version);
  const auto refuse = [&](std::string_view which, const Value& object, const std::string& fault) {
    return errors::unexplained("failed to create typed " + std::string(which) + " object (" +
                               object_text(writer, object) + "): " + fault);
  };
  if (const auto fault = find_fault(arena, shape, config)) return refuse("patch", config, *fault);
  // What was stored under another schema may not be what this one says.
  if (!versions.may_have_changed()) return {};
  if (const auto fault = find_live_fault(arena, shape, live)) return refuse("live", live, *fault);
  return {};
}

// What was stored under another schema may not be what this one says: then nothing can be said of
// who manages what.
Result<void> check_fits(Arena& arena, const Versions& versions, const Writer& writer,
                        const Value& before, const Value& after) {
  if (!versions.may_have_changed()) return {};
  const Shape shape = versions.shape(writer.api_version);
  const auto refuse = [&](std::string_view which, const Value& object, const std::string& fault) {
    return errors::unexplained("failed to convert " + std::string(which) + " object (" +
                               object_text(writer, object) + ") to smd typed: " + fault);
  };
  if (const auto fault = find_live_fault(arena, shape, after)) return refuse("new", after, *fault);
  if (const auto fault = find_live_fault(arena, shape, before)) {
    return refuse("old", before, *fault);
  }
  return {};
}

// Leaves out the conflicts that are with the manager's own client-side configuration.
void forgive(Arena& arena, const FieldSet& own, std::vector<Conflict>& conflicts) {
  for (Conflict& conflict : conflicts) conflict.fields = subtract(arena, conflict.fields, own);
  std::erase_if(conflicts, [](const Conflict& conflict) { return conflict.fields.empty(); });
}

}  // namespace

std::string object_text(const Writer& writer, const Value& object) {
  const Value* meta = object.find("metadata");
  const std::string ns(meta == nullptr ? "" : meta->string_at("namespace"));
  const std::string name(meta == nullptr ? "" : meta->string_at("name"));
  const std::string version(writer.api_version);
  return ns + "/" + name + "; " + (version.find('/') == std::string::npos ? "/" : "") + version +
         ", Kind=" + std::string(writer.kind);
}

Result<void> track_update(Arena& arena, const Versions& versions, const Writer& writer,
                          const Value& before, const Value& after, Managers& managers) {
  if (auto ok = check_fits(arena, versions, writer, before, after); !ok) return ok;
  if (versions.may_have_changed()) reconcile(arena, versions, managers);
  Manager self;
  self.name = writer.manager.empty() ? kUnknown : writer.manager;
  self.api_version = writer.api_version;
  self.subresource = writer.subresource;
  Transition transition(arena, versions, writer.api_version, before, after);
  auto delta = transition.in(writer.api_version);
  if (!delta) return std::unexpected(std::move(delta.error()));
  const FieldSet own = subtract(arena, (*delta)->changed, system_fields());
  for (Manager& manager : managers) {
    auto theirs = transition.in(manager.api_version);
    if (!theirs) return std::unexpected(std::move(theirs.error()));
    // Who writes the same fields again and again keeps his entry as it is, but for the time.
    const bool repeats = manager.is_same_as(self) && manager.has_every_field_of(arena, own) &&
                         !manager.shares_a_field_with(arena, (*theirs)->removed);
    if (!repeats) release(arena, manager, **theirs);
  }
  if (!own.empty()) {
    Manager* mine = find_manager(managers, self);
    if (mine == nullptr) mine = &managers.emplace_back(self);
    if (!mine->has_every_field_of(arena, own)) {
      mine->set_fields(unite(arena, mine->fields(arena), own));
    }
    mine->time = writer.now;
  }
  drop_empty(managers);
  cap_updaters(arena, managers);
  return {};
}

Result<Applied> apply_configuration(Arena& arena, const Versions& versions, const Writer& writer,
                                    bool force, const Value& live, const Value& config,
                                    Managers& managers) {
  Managers now = managers;
  if (now.empty()) {
    Writer first = writer;
    first.manager = kBeforeFirstApply;
    const Value nothing = versions.empty_object(arena, writer.api_version);
    if (auto ok = track_update(arena, versions, first, nothing, live, now); !ok) {
      ok.error().message = "failed to create manager for existing fields: " + ok.error().message;
      return std::unexpected(std::move(ok.error()));
    }
  }
  if (auto ok = check(arena, versions, writer, live, config); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  reconcile(arena, versions, now);
  Applier applier(arena, versions, writer, live, config);
  auto attempt = applier.attempt(force, now);
  if (!attempt) return std::unexpected(std::move(attempt.error()));
  if (!attempt->conflicts.empty() && writer.manager == kKubectl) {
    const auto own =
        last_applied_fields(arena, versions.shape(writer.api_version), live, writer.api_version);
    if (own) forgive(arena, *own, attempt->conflicts);
    if (attempt->conflicts.empty()) attempt = applier.attempt(true, now);
    if (!attempt) return std::unexpected(std::move(attempt.error()));
  }
  if (!attempt->conflicts.empty()) return conflict_error(std::move(attempt->conflicts));
  Applied applied{attempt->object, attempt->changes};
  if (writer.manager == kKubectl && has_last_applied(applied.object)) {
    applied.object = deep_copy(arena, applied.object);
    set_last_applied(arena, applied.object, config);
    applied.changes = !equal(live, applied.object);
  }
  managers = std::move(attempt->managers);
  return applied;
}

}  // namespace pinnace::api::apply
