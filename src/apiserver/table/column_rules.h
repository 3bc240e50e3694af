// The rules of columns: cells that take more than an expression to make.
//
// Threads: pure functions.
// Source: schemas/README.md "Columns"; Kubernetes' printers.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/schema.h"
#include "api/value.h"
#include "base/clock.h"

namespace pinnace::apiserver {

struct ColumnRule {
  std::string_view name;
  // `object` is in its storage version. It may lack anything.
  std::string (*text)(const api::Value& object, WallTime now);
};

std::span<const ColumnRule> pod_column_rules();
std::span<const ColumnRule> workload_column_rules();
std::span<const ColumnRule> network_column_rules();
std::span<const ColumnRule> storage_column_rules();
std::span<const ColumnRule> cluster_column_rules();
std::span<const ColumnRule> access_column_rules();

// nullptr for a rule that there is not.
const ColumnRule* find_column_rule(std::string_view name);

// The JSON of a row's `conditions`; "" for none. Pods that have ended are marked as completed.
std::string_view row_conditions_json(const api::ResourceInfo& resource, const api::Value& object);

}  // namespace pinnace::apiserver
