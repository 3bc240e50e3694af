// A container runtime that lives in memory: containers run until a test, or stop_container, ends them.
//
// Threads: one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet::testing {

class FakeRuntime final : public cri::Runtime {
 public:
  explicit FakeRuntime(const Clock& clock) : clock_(clock) {}

  struct Box {
    cri::Sandbox info;
    cri::SandboxConfig config;
    std::string ip;
  };
  struct Item {
    std::string sandbox_id;
    cri::ContainerConfig config;
    cri::ContainerStatus status;
  };

  // What a test sets up and looks at.
  std::map<std::string, cri::Image> images;        // By name.
  std::map<std::string, std::string> pull_errors;  // By name.
  std::map<std::string, Box> boxes;
  std::map<std::string, Item> items;
  std::set<std::string> ignores_term;  // Names of containers that only SIGKILL ends.
  std::set<std::string> unstartable;   // Names of containers whose start fails.
  std::vector<std::string> calls;      // "run NAME", "start NAME", "stop NAME 30", ...
  cri::ExecResult exec_result;
  bool ready = true, is_down = false;

  void add_image(const std::string& name, std::uint64_t size_bytes = 1000) {
    images[name] = {"sha256:" + name, {name}, {}, size_bytes, std::nullopt, "", false};
  }
  // The newest container of this name.
  Item* find(const std::string& name) {
    Item* found = nullptr;
    for (auto& [id, item] : items) {
      if (item.config.name == name &&
          (!found || item.status.created_at_ns >= found->status.created_at_ns)) {
        found = &item;
      }
    }
    return found;
  }
  // True once a container of this name runs.
  bool runs(const std::string& name) {
    const Item* item = find(name);
    return item && item->status.state == cri::ContainerState::kRunning;
  }
  void exit(const std::string& name, int code, const std::string& reason = "") {
    Item& item = *find(name);
    end(item, code);
    if (!reason.empty()) item.status.reason = reason;
    if (happened_) happened_(item.status.id);
  }

  Result<cri::Version> version() override { return cri::Version{"fake", "1.0", "v1"}; }
  Result<std::vector<cri::Condition>> status() override {
    if (is_down) return errors::unavailable("down");
    return std::vector<cri::Condition>{
        {"RuntimeReady", true, "", ""},
        {"NetworkReady", ready, ready ? "" : "NetworkPluginNotReady", ready ? "" : "no network"}};
  }
  Result<std::string> run_sandbox(const cri::SandboxConfig& config) override {
    calls.push_back("run " + config.name);
    const std::string id = "sandbox-" + std::to_string(++last_id_);
    Box box{{id, config.name, config.uid, config.ns, config.attempt, true, now(), config.labels,
             config.annotations},
            config,
            "10.0.0." + std::to_string(last_id_)};
    boxes[id] = std::move(box);
    return id;
  }
  Result<void> stop_sandbox(const std::string& id) override {
    calls.push_back("stop-sandbox");
    const auto found = boxes.find(id);
    if (found == boxes.end()) return {};
    found->second.info.ready = false;
    for (auto& [item_id, item] : items) {
      if (item.sandbox_id == id) end(item, 137);
    }
    return {};
  }
  Result<void> remove_sandbox(const std::string& id) override {
    boxes.erase(id);
    std::erase_if(items, [&](const auto& entry) { return entry.second.sandbox_id == id; });
    return {};
  }
  Result<cri::SandboxStatus> sandbox_status(const std::string& id) override {
    const auto found = boxes.find(id);
    if (found == boxes.end()) return errors::not_found("sandbox", id);
    return cri::SandboxStatus{found->second.info.ready, {found->second.ip}};
  }
  Result<std::vector<cri::Sandbox>> list_sandboxes(const cri::Labels& selector) override {
    std::vector<cri::Sandbox> out;
    for (const auto& [id, box] : boxes) {
      if (matches(selector, box.info.labels)) out.push_back(box.info);
    }
    return out;
  }

  Result<std::string> create_container(const std::string& sandbox_id,
                                       const cri::ContainerConfig& config,
                                       const cri::SandboxConfig&) override {
    calls.push_back("create " + config.name);
    Item item{sandbox_id, config, {}};
    item.status.id = "container-" + std::to_string(++last_id_);
    item.status.name = config.name;
    item.status.attempt = config.attempt;
    item.status.state = cri::ContainerState::kCreated;
    item.status.created_at_ns = now();
    item.status.image = config.image_ref;
    item.status.image_ref = config.image_ref;
    item.status.labels = config.labels;
    item.status.annotations = config.annotations;
    const std::string id = item.status.id;
    items[id] = std::move(item);
    return id;
  }
  Result<void> start_container(const std::string& id) override {
    Item& item = items.at(id);
    calls.push_back("start " + item.config.name);
    if (unstartable.contains(item.config.name)) {
      end(item, 128);
      item.status.reason = "StartError";
      return errors::internal("exec: no such file");
    }
    item.status.state = cri::ContainerState::kRunning;
    item.status.started_at_ns = now();
    return {};
  }
  Result<void> stop_container(const std::string& id, std::chrono::seconds grace) override {
    const auto found = items.find(id);
    if (found == items.end()) return {};
    Item& item = found->second;
    calls.push_back("stop " + item.config.name + ' ' + std::to_string(grace.count()));
    end(item, grace.count() == 0 || ignores_term.contains(item.config.name) ? 137 : 143);
    return {};
  }
  Result<void> remove_container(const std::string& id) override {
    const auto found = items.find(id);
    if (found != items.end()) calls.push_back("remove " + found->second.config.name);
    items.erase(id);
    return {};
  }
  Result<std::vector<cri::Container>> list_containers(const cri::Labels& selector) override {
    std::vector<cri::Container> out;
    for (const auto& [id, item] : items) {
      const auto& status = item.status;
      if (!matches(selector, status.labels)) continue;
      out.push_back({id, item.sandbox_id, status.name, status.attempt, status.image,
                     status.image_ref, status.state, status.created_at_ns, status.labels,
                     status.annotations});
    }
    return out;
  }
  Result<cri::ContainerStatus> container_status(const std::string& id) override {
    const auto found = items.find(id);
    if (found == items.end()) return errors::not_found("container", id);
    return found->second.status;
  }
  Result<void> reopen_log(const std::string& id) override {
    calls.push_back("reopen " + items.at(id).config.name);
    return {};
  }

  Result<cri::ExecResult> exec_sync(const std::string& id, const std::vector<std::string>& command,
                                    std::chrono::seconds) override {
    calls.push_back("exec " + items.at(id).config.name + ' ' + command.front());
    return exec_result;
  }
  Result<std::string> exec_url(const std::string&, const std::vector<std::string>&,
                               cri::StreamOptions) override {
    return std::string();
  }
  Result<std::string> attach_url(const std::string&, cri::StreamOptions) override {
    return std::string();
  }
  Result<std::string> port_forward_url(const std::string&,
                                       const std::vector<std::int32_t>&) override {
    return std::string();
  }

  Result<std::vector<cri::Image>> list_images() override {
    std::vector<cri::Image> out;
    for (const auto& [name, image] : images) out.push_back(image);
    return out;
  }
  Result<std::optional<cri::Image>> image_status(const std::string& name) override {
    for (const auto& [tag, image] : images) {
      if (tag == name || image.id == name) return image;
    }
    return std::optional<cri::Image>();
  }
  Result<std::string> pull_image(const std::string& name,
                                 const cri::PullCredentials* auth) override {
    calls.push_back("pull " + name + (auth ? " as " + auth->username : ""));
    const auto error = pull_errors.find(name);
    if (error != pull_errors.end()) return errors::internal(error->second);
    add_image(name);
    return images[name].id;
  }
  Result<void> remove_image(const std::string& id) override {
    calls.push_back("remove-image " + id);
    std::erase_if(images, [&](const auto& entry) { return entry.second.id == id; });
    return {};
  }
  Result<std::vector<cri::FilesystemUsage>> image_filesystems() override {
    return std::vector<cri::FilesystemUsage>{{"/", 0}};
  }

  void watch(std::function<void(const std::string&)> happened) override {
    happened_ = std::move(happened);
    happened_("");
  }
  void stop() override { happened_ = nullptr; }

 private:
  static bool matches(const cri::Labels& selector, const cri::Labels& labels) {
    for (const auto& [key, value] : selector) {
      const auto found = labels.find(key);
      if (found == labels.end() || found->second != value) return false;
    }
    return true;
  }
  // Strictly growing, so that the order of creation is known.
  std::int64_t now() { return clock_.wall().time_since_epoch().count() + ++tick_; }
  void end(Item& item, int code) {
    if (item.status.state == cri::ContainerState::kExited) return;
    item.status.state = cri::ContainerState::kExited;
    item.status.exit_code = code;
    item.status.finished_at_ns = now();
  }

  const Clock& clock_;
  int last_id_ = 0;
  std::int64_t tick_ = 0;
  std::function<void(const std::string&)> happened_;
};

}  // namespace pinnace::kubelet::testing
