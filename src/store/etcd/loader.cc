#include "store/etcd/loader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace pinnace::store::etcd {

namespace {

constexpr std::size_t kPage = 1000;
constexpr int kMaxTries = 10;

class Loading : public std::enable_shared_from_this<Loading> {
 public:
  Loading(std::shared_ptr<Client> client, Layout layout, Revision replay,
          std::function<void(Result<History::Loaded>)> done)
      : client_(std::move(client)),
        layout_(std::move(layout)),
        replay_(replay),
        done_(std::move(done)) {}

  // The present is known first; then how far back from it.
  void start() {
    if (++tries_ > kMaxTries) {
      return done_(errors::unavailable("etcd is compacted faster than it can be read"));
    }
    client_->range({.keys = {layout_.own_key(kCompacted), ""}, .limit = 1},
                   [self = shared_from_this()](Result<RangeAnswer> answer) {
                     if (!answer) return self->done_(std::unexpected(std::move(answer.error())));
                     const Revision present = answer->revision;
                     self->begin_at(present > self->replay_ ? present - self->replay_
                                                            : std::min<Revision>(present, 1),
                                    present);
                   });
  }

 private:
  void begin_at(Revision at, Revision present) {
    at_ = at;
    present_ = present;
    loaded_ = {};
    next_page(layout_.everything().key);
  }

  // Between one revision that was compacted and one that perhaps was not lies the oldest one.
  void find_oldest(Revision compacted, Revision known) {
    if (known - compacted <= 1) return begin_at(known, present_);
    const Revision middle = compacted + (known - compacted) / 2;
    client_->range(
        {.keys = {layout_.own_key(kCompacted), ""}, .at = middle, .count_only = true},
        [self = shared_from_this(), compacted, known, middle](const Result<RangeAnswer>& answer) {
          if (answer) return self->find_oldest(compacted, middle);
          if (answer.error().is("Expired")) return self->find_oldest(middle, known);
          self->done_(std::unexpected(answer.error()));
        });
  }

  void next_page(std::string from) {
    client_->range({.keys = {std::move(from), layout_.everything().end}, .limit = kPage, .at = at_},
                   [self = shared_from_this()](Result<RangeAnswer> answer) {
                     if (answer) return self->take(std::move(*answer));
                     if (!answer.error().is("Expired")) {
                       return self->done_(std::unexpected(std::move(answer.error())));
                     }
                     if (self->at_ == self->present_) return self->start();
                     self->find_oldest(self->at_, self->present_);
                   });
  }

  void take(RangeAnswer answer) {
    for (const KeyValue& pair : answer.pairs) {
      if (layout_.is_own_key(pair.key)) continue;
      auto object = layout_.decode(pair);
      // Who cannot read what is encrypted must not serve as if it were not there.
      if (!object && pair.value.starts_with(kSealedPrefix)) {
        return done_(std::unexpected(std::move(object.error())));
      }
      if (!object) {
        log::error("what stands in etcd is none of ours",
                   {{"key", pair.key}, {"error", object.error().message}});
        continue;
      }
      loaded_.resources[(*object)->key.resource].live.push_back(std::move(*object));
    }
    // The next key after one is the same with a zero byte behind it.
    if (answer.more) return next_page(answer.pairs.back().key + '\0');
    // In etcd "a-b/x" is before "a/x"; in a table the namespaces are in order.
    for (auto& [name, resource] : loaded_.resources) {
      std::ranges::sort(resource.live, {}, [](const ObjectRef& each) {
        return std::tie(each->key.ns, each->key.name);
      });
    }
    loaded_.revision = layout_.from_etcd(at_);
    loaded_.lost = {{0, loaded_.revision}};
    done_(std::move(loaded_));
  }

  const std::shared_ptr<Client> client_;
  const Layout layout_;
  const Revision replay_;
  const std::function<void(Result<History::Loaded>)> done_;
  int tries_ = 0;
  Revision at_ = 0, present_ = 0;
  History::Loaded loaded_;
};

}  // namespace

void load(std::shared_ptr<Client> client, Layout layout, Revision replay,
          std::function<void(Result<History::Loaded>)> done) {
  std::make_shared<Loading>(std::move(client), std::move(layout), replay, std::move(done))->start();
}

}  // namespace pinnace::store::etcd
