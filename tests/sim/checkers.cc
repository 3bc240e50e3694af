#include "sim/checkers.h"

#include "api/json.h"
#include "api/types/core_v1.h"
#include "base/strings.h"
#include "client/informer.h"

namespace pinnace::sim {

void WriteChecker::commit(store::Write write, Done done) {
  const store::Key key = write.key;
  const bool removes = write.type == store::Write::Type::kDelete;
  inner_.commit(std::move(write),
                [this, key, removes, done = std::move(done)](Result<store::ObjectRef> result) {
                  if (result) {
                    ++writes_;
                    if (removes)
                      kept_.erase(key);
                    else
                      kept_[key] = (*result)->revision;
                  }
                  if (done) done(std::move(result));
                });
}

Faults WriteChecker::faults() const {
  Faults faults;
  for (const auto& [key, revision] : kept_) {
    const std::string name = key.resource + ' ' + key.ns + '/' + key.name;
    const auto object = inner_.get(key);
    if (!object)
      faults.push_back("lost: " + name);
    else if ((*object)->revision != revision)
      faults.push_back("not as acknowledged: " + name);
  }
  return faults;
}

WatchChecker::WatchChecker(const client::Client& api, Executor& executor, std::string path)
    : api_(api), path_(std::move(path)) {
  client::Request request;
  request.target = path_ + "?watch=true&resourceVersion=1";
  stream_ = api.transport().watch(
      request, executor, [this](std::string_view line) { take(line); },
      [this](const Result<void>& end) {
        faults_.push_back("the watch of " + path_ +
                          " ended: " + (end ? "in order" : end.error().message));
      });
}

void WatchChecker::take(std::string_view line) {
  api::Arena arena;
  const auto event = api::parse_json(arena, line);
  if (!event) return faults_.push_back("not JSON: " + std::string(line));
  const std::string type(event->string_at("type"));
  const auto* meta = event->find_path({"object", "metadata"});
  if (meta == nullptr) return faults_.push_back("no metadata: " + std::string(line));
  const std::string uid(meta->string_at("uid")), version(meta->string_at("resourceVersion"));
  const auto number = parse_uint(version).value_or(0);
  if (number <= last_) faults_.push_back("out of order: " + version + " in " + path_);
  last_ = number;
  if ((type == "ADDED") == versions_.contains(uid)) {
    faults_.push_back(type + " of " + uid + " does not follow from what was before");
  }
  if (type == "DELETED")
    versions_.erase(uid);
  else
    versions_[uid] = version;
}

Faults WatchChecker::faults() const {
  Faults faults = faults_;
  const auto body = api_.call("GET", path_, {});
  api::Arena arena;
  const auto list = body ? api::parse_json(arena, **body) : errors::internal("no list");
  if (!list) return {"cannot list " + path_};
  std::map<std::string, std::string> there;
  for (const auto& item : list->find("items")->items()) {
    const auto* meta = item.find("metadata");
    there[std::string(meta->string_at("uid"))] = meta->string_at("resourceVersion");
  }
  if (there != versions_) faults.push_back("the events of " + path_ + " do not add up to its list");
  return faults;
}

struct BindChecker::Informers {
  Informers(const client::Client& api, Executor& executor)
      : pods(api, executor), nodes(api, executor) {}
  client::Informer<api::core_v1::Pod> pods;
  client::Informer<api::core_v1::Node> nodes;
};

BindChecker::BindChecker(const client::Client& api, Executor& executor)
    : informers_(std::make_unique<Informers>(api, executor)) {
  informers_->pods.on_transition([this](const auto&, const auto& after) {
    if (!after || after->spec.node_name.empty()) return;
    const std::string& node_name = after->spec.node_name;
    const auto [known, is_new] = nodes_.try_emplace(after->metadata.uid, node_name);
    if (known->second != node_name) faults_.push_back(after->metadata.name + " changed its node");
    if (!is_new) return;
    const auto node = informers_->nodes.get(node_name);
    if (!node) return;
    std::int64_t asked = 0;
    for (const auto& [key, pod] : informers_->pods.all()) {
      if (pod->spec.node_name != node_name || pod->status.phase == "Succeeded" ||
          pod->status.phase == "Failed") {
        continue;
      }
      for (const auto& container : pod->spec.containers) {
        const auto cpu = container.resources.requests.find("cpu");
        if (cpu != container.resources.requests.end()) asked += cpu->second.milli_value();
      }
    }
    const auto cpu = node->status.allocatable.find("cpu");
    if (cpu != node->status.allocatable.end() && asked > cpu->second.milli_value()) {
      faults_.push_back("node " + node_name + " was given " + std::to_string(asked) + "m of CPU");
    }
  });
  informers_->nodes.start();
  informers_->pods.start();
}
BindChecker::~BindChecker() = default;

}  // namespace pinnace::sim
