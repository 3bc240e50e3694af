// CustomResources says what kinds there are besides the built-in ones, for loops that treat all
// kinds alike.
//
// Why by the definitions: they say it at once, where documents of discovery would have to be asked
//   for again and again.
// Lifetime: as long as its controller. What a callback is given lives until `on_gone` returns.
// Threads: belongs to the executor's thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/typed.h"
#include "client/client.h"
#include "client/informer.h"

namespace pinnace::controllers {

struct CustomResource {
  std::string group, version, name, kind;  // The version in which it is kept, if that is served.
  bool namespaced = false;
  std::vector<std::string> versions;  // All that are served.

  api::ResourceName resource() const { return {group, version, name, kind, namespaced}; }
  bool is(std::string_view in_group, std::string_view in_version, std::string_view of_kind) const;
  bool operator==(const CustomResource&) const = default;
};

class CustomResources {
 public:
  // Either may be empty. A kind that changes goes and comes.
  using Changed = std::function<void(const CustomResource&)>;
  CustomResources(const client::Client& api, Executor& executor, Changed on_added, Changed on_gone);
  void start() { reflector_.start(); }

  // By the names of their definitions.
  const std::map<std::string, CustomResource>& all() const { return all_; }

 private:
  Result<void> accept(std::string_view json, bool deleted);
  void drop(const std::string& definition);
  void end_list();

  Changed on_added_, on_gone_;
  std::map<std::string, CustomResource> all_;
  std::map<std::string, std::uint32_t> seen_;  // The list that named each definition last.
  std::uint32_t lists_ = 0;
  client::Reflector reflector_;
};

}  // namespace pinnace::controllers
