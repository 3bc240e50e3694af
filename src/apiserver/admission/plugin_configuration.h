// PluginConfigurations is the file of --admission-control-config-file: for each plugin that has one
// its configuration, in the file itself or in another that it names.
//
// Errors: 400 with the file's name.
// Source: apiserver.config.k8s.io/v1 AdmissionConfiguration.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

class PluginConfigurations {
 public:
  // An empty path gives no configurations.
  static Result<PluginConfigurations> read(const std::string& path);
  // nullptr where there is none.
  const api::Value* find(std::string_view plugin) const {
    const auto found = by_plugin_.find(plugin);
    return found == by_plugin_.end() ? nullptr : &found->second;
  }

 private:
  std::unique_ptr<api::Arena> arena_ = std::make_unique<api::Arena>();
  std::map<std::string, api::Value, std::less<>> by_plugin_;
};

// 400 unless `configuration` is of this group and kind, in one of these versions ("v1 v1beta1").
Result<void> check_configuration_kind(const api::Value& configuration, std::string_view group,
                                      std::string_view versions, std::string_view kind);

}  // namespace pinnace::apiserver
