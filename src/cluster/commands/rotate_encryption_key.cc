#include <thread>

#include "base/strings.h"
#include "cluster/access.h"
#include "cluster/commands.h"
#include "cluster/encryption_key.h"
#include "cluster/progress.h"
#include "io/files.h"
#include "net/digest.h"
#include "store/embedded.h"

namespace pinnace::cluster::command {

namespace {

constexpr auto kPatience = std::chrono::minutes(2);
constexpr auto kAskEvery = std::chrono::milliseconds(500);

// Waits until the server says that everything is kept as this file wants it.
Result<void> wait_for_server(const Settings& settings, client::Transport& transport) {
  auto text = io::read_file(settings.encryption_file());
  if (!text) return std::unexpected(std::move(text.error()));
  const std::string wanted =
      "apiserver_encryption_config_controller_last_config_info{hash=\"sha256:" +
      hex_encode(net::sha256(*text)) + "\"} 1\n";
  const MonotonicTime start = real_clock().monotonic();
  while (real_clock().monotonic() - start < kPatience) {
    client::Request request;
    request.target = "/metrics";
    request.accept = "*/*";
    const auto response = transport.round_trip(request);
    if (response && response->status == 200 && response->body->find(wanted) != std::string::npos) {
      return {};
    }
    std::this_thread::sleep_for(kAskEvery);
  }
  return errors::timeout("the server has not encrypted everything anew; both keys stay in " +
                             settings.encryption_file() + ", see " + settings.server_log(),
                         0);
}

Result<void> rewrite_with_server(const Settings& settings) {
  auto transport = connect_as_admin(settings);
  if (!transport) return std::unexpected(std::move(transport.error()));
  return wait_for_server(settings, **transport);
}

// Nobody serves: this process opens the store itself, which writes anew what is stale.
Result<void> rewrite_alone(const Settings& settings) {
  auto transformer = open_transformer("", settings, StoreSettings());
  if (!transformer) return std::unexpected(std::move(transformer.error()));
  auto store = store::EmbeddedStore::create(
      {.directory = settings.database_dir(), .transformer = std::move(*transformer)});
  if (!store) return std::unexpected(std::move(store.error()));
  return (*store)->reseal();
}

Result<void> run(const Arguments& arguments) {
  auto settings = resolve_settings(arguments);
  if (!settings) return std::unexpected(std::move(settings.error()));
  const std::string file = settings->encryption_file();
  const bool is_served = server_pid(*settings) != 0;
  if (!io::exists(file)) {
    return errors::bad_request("cluster " + settings->name + " has no encryption key of its own (" +
                               file + ")");
  }
  if (!is_served && !io::exists(settings->database_dir())) {
    return errors::bad_request("the store of cluster " + settings->name +
                               " is not on this machine: start its server first");
  }
  auto done = add_encryption_key(file);
  if (done) done = is_served ? rewrite_with_server(*settings) : rewrite_alone(*settings);
  if (done) done = drop_old_encryption_keys(file);
  if (done && is_served) done = rewrite_with_server(*settings);
  if (!done) return done;
  show("Everything that is encrypted is so with a new key; the old ones are gone from " + file +
       '.');
  return {};
}

}  // namespace

Command rotate_encryption_key() {
  return {.name = "rotate-encryption-key",
          .summary = "Encrypt the cluster's Secrets with a new key, and forget the old one",
          .examples = "  sudo pinnace rotate-encryption-key\n",
          .options = locating_options(),
          .run = run};
}

}  // namespace pinnace::cluster::command
