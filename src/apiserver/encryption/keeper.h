// Keeper makes a store's Transformer from a file of EncryptionConfiguration, and keeps it and what
// the store has kept as the file and the key management services say.
//
// How: a thread looks at the file every kPollInterval if it is to be reloaded, and asks the key
//   management services every kRefreshInterval. After any change the store writes anew what was
//   kept otherwise; only then does the metric last_config_info name the file's hash, so that
//   whoever waits for it may drop an old key.
// Errors: a file that is wrong later changes nothing and is counted; the old keys go on.
// Lifetime: the store that `watch` was given outlives the Keeper.
// Threads: made and destroyed on one thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "apiserver/encryption/transformer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "store/store.h"

namespace pinnace::apiserver::encryption {

class Keeper {
 public:
  static constexpr auto kPollInterval = std::chrono::seconds(2);
  static constexpr auto kRefreshInterval = std::chrono::seconds(60);

  struct Options {
    std::string file;
    bool reloads = false;
    const Clock& clock;
    metrics::Registry& metrics;
  };
  static Result<std::unique_ptr<Keeper>> create(Options options);
  ~Keeper();

  std::shared_ptr<store::Transformer> transformer() const { return transformer_; }
  // The store that was made with the transformer works: look after it from now on.
  void watch(store::Store& store);
  // One look at the file. For the thread, and for tests.
  void look();

 private:
  Keeper(Options options, std::shared_ptr<ConfiguredTransformer> transformer, std::string hash);
  void run();
  void reseal();
  void show_hash(const std::string& hash);

  const Options options_;
  const std::shared_ptr<ConfiguredTransformer> transformer_;
  metrics::Family<metrics::Series>& reloads_;
  metrics::Family<metrics::Series>& shown_;
  store::Store* store_ = nullptr;
  std::string hash_;  // Of the configuration that is in use.
  std::string seen_;  // Of the file when it was last looked at.
  std::string showing_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pinnace::apiserver::encryption
