#include "store/etcd/loader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace pinnace::store::etcd {

namespace {

constexpr std::size_t kPage = 1000;

class Loading : public std::enable_shared_from_this<Loading> {
 public:
  Loading(std::shared_ptr<Client> client, Layout layout, Revision replay,
          std::function<void(Result<History::Loaded>)> done)
      : client_(std::move(client)),
        layout_(std::move(layout)),
        replay_(replay),
        done_(std::move(done)) {}

  void start() {
    client_->range({.keys = {layout_.own_key(kCompacted), ""}, .limit = 1},
                   [self = shared_from_this()](Result<RangeAnswer> answer) {
                     if (!answer) return self->done_(std::unexpected(std::move(answer.error())));
                     self->begin_at(answer->revision > self->replay_
                                        ? answer->revision - self->replay_
                                        : std::min<Revision>(answer->revision, 1),
                                    answer->revision);
                   });
  }

 private:
  void begin_at(Revision at, Revision present) {
    at_ = at;
    present_ = present;
    loaded_ = {};
    next_page(layout_.everything().key);
  }

  void next_page(std::string from) {
    client_->range({.keys = {std::move(from), layout_.everything().end}, .limit = kPage, .at = at_},
                   [self = shared_from_this()](Result<RangeAnswer> answer) {
                     if (answer) return self->take(std::move(*answer));
                     // Compacted: so far back nobody can look. Twice in a row is a failure.
                     if (answer.error().is("Expired") && self->at_ != self->present_) {
                       return self->begin_at(self->present_, self->present_);
                     }
                     self->done_(std::unexpected(std::move(answer.error())));
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
  Revision at_ = 0, present_ = 0;
  History::Loaded loaded_;
};

}  // namespace

void load(std::shared_ptr<Client> client, Layout layout, Revision replay,
          std::function<void(Result<History::Loaded>)> done) {
  std::make_shared<Loading>(std::move(client), std::move(layout), replay, std::move(done))->start();
}

}  // namespace pinnace::store::etcd
