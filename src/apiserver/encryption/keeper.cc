#include "apiserver/encryption/keeper.h"

#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "io/files.h"
#include "net/digest.h"

namespace pinnace::apiserver::encryption {

namespace {

std::string hash_of(std::string_view text) { return "sha256:" + hex_encode(net::sha256(text)); }

Unexpected about_file(const std::string& file, Error error) {
  error.message = "the encryption configuration " + file + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::create(Options options) {
  auto text = io::read_file(options.file, kMaxConfigurationBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto configuration = parse_configuration(*text);
  if (!configuration) return about_file(options.file, std::move(configuration.error()));
  auto transformer = ConfiguredTransformer::create(std::move(*configuration), options.clock);
  if (!transformer) return about_file(options.file, std::move(transformer.error()));
  return std::unique_ptr<Keeper>(
      new Keeper(std::move(options), std::move(*transformer), hash_of(*text)));
}

Keeper::Keeper(Options options, std::shared_ptr<ConfiguredTransformer> transformer,
               std::string hash)
    : options_(std::move(options)),
      transformer_(std::move(transformer)),
      reloads_(
          options_.metrics.counter("apiserver_encryption_config_controller_automatic_reloads_total",
                                   "Reloads of the encryption configuration.", {"status"})),
      shown_(options_.metrics.gauge(
          "apiserver_encryption_config_controller_last_config_info",
          "1 for the encryption configuration that everything is kept by.", {"hash"})),
      hash_(std::move(hash)),
      seen_(hash_) {}

Keeper::~Keeper() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Keeper::watch(store::Store& store) {
  store_ = &store;
  show_hash(hash_);  // What was kept otherwise was written anew when the store started.
  if (options_.reloads || transformer_->has_key_services()) {
    thread_ = std::thread([this] { run(); });
  }
}

void Keeper::show_hash(const std::string& hash) {
  if (!showing_.empty()) shown_.with({showing_}).set(0);
  shown_.with({hash}).set(1);
  showing_ = hash;
}

void Keeper::reseal() {
  auto done = store_->reseal();
  if (done) return show_hash(hash_);
  log::error("not everything could be encrypted anew", {{"error", done.error().message}});
}

void Keeper::look() {
  auto text = io::read_file(options_.file, kMaxConfigurationBytes);
  if (text && hash_of(*text) == seen_) return;
  auto loaded = [&]() -> Result<void> {
    if (!text) return std::unexpected(std::move(text.error()));
    seen_ = hash_of(*text);
    auto configuration = parse_configuration(*text);
    if (!configuration) return std::unexpected(std::move(configuration.error()));
    return transformer_->replace(std::move(*configuration));
  }();
  reloads_.with({loaded ? "success" : "failure"}).add();
  if (!loaded) {
    log::error("the encryption configuration stays as it was",
               {{"file", options_.file}, {"error", loaded.error().message}});
    return;
  }
  hash_ = seen_;
  log::info("the encryption configuration is loaded anew", {{"file", options_.file}});
  reseal();
}

void Keeper::run() {
  Duration since_refresh{0};
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPollInterval, [this] { return stopping_; })) {
    lock.unlock();
    if (options_.reloads) look();
    since_refresh += kPollInterval;
    if (since_refresh >= kRefreshInterval) {
      since_refresh = Duration{0};
      auto refreshed = transformer_->refresh();
      if (!refreshed) {
        log::warning("a key management service is not well",
                     {{"error", refreshed.error().message}});
      } else if (*refreshed) {
        reseal();
      }
    }
    lock.lock();
  }
}

}  // namespace pinnace::apiserver::encryption
