// Events go an hour after they last changed.
//
// Why a queue: it takes in what changed since the last look, in the order in which it will expire,
// so that a look costs what is new and what is due, and never walks over all Events.
#include <deque>

#include "api/json.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/stored_json.h"
#include "store/follower.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kKept = std::chrono::hours(1);
constexpr Duration kLook = std::chrono::minutes(1);

class Expiry : public std::enable_shared_from_this<Expiry> {
 public:
  explicit Expiry(const BackendRef& backend)
      : store_(backend->store()),
        follower_(store_, "events"),
        executor_(backend->options.executor),
        clock_(backend->options.clock),
        backend_(backend) {}

  void start() {
    take_in();
    arm();
  }

 private:
  struct Due {
    MonotonicTime at;
    store::Key key;
    store::Revision revision;
  };

  void arm() {
    executor_.schedule_after(kLook, [weak = weak_from_this(), backend = backend_] {
      const auto self = weak.lock();
      const auto open = backend.lock();
      if (!self || !open || open->is_shutting_down) return;
      self->look();
      self->arm();
    });
  }

  // After a start: what is there already has the rest of its hour by its own clock.
  void begin_again(const store::Snapshot& snapshot) {
    std::vector<Due> found;
    for (const auto& object : snapshot.objects) {
      found.push_back({clock_.monotonic() + rest_of(*object), object->key, object->revision});
    }
    std::sort(found.begin(), found.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
    queue_.assign(found.begin(), found.end());
  }

  Duration rest_of(const store::Object& object) const {
    api::Arena arena;
    const auto parsed = parse_stored(arena, object);
    WallTime last{};
    if (!parsed) return Duration::zero();
    for (const char* key : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
      if (parse_rfc3339(parsed->string_at(key), last)) break;
    }
    const Duration age = clock_.wall() - last;
    return age >= kKept ? Duration::zero() : std::min(kKept, kKept - age);
  }

  void look() {
    take_in();
    const MonotonicTime now = clock_.monotonic();
    while (!queue_.empty() && queue_.front().at <= now) {
      remove(queue_.front());
      queue_.pop_front();
    }
  }

  void take_in() {
    const MonotonicTime at = clock_.monotonic() + kKept;
    follower_.catch_up([this](const store::Snapshot& snapshot) { begin_again(snapshot); },
                       [this, at](const store::Event& event) {
                         if (event.type == store::Event::Type::kDeleted) return;
                         queue_.push_back({at, event.object->key, event.object->revision});
                       });
  }

  // An Event that changed since has another entry later in the queue, and a conflict here.
  void remove(const Due& due) {
    store::Write write{};
    write.type = store::Write::Type::kDelete;
    write.key = due.key;
    write.expected_revision = due.revision;
    write.durable = false;
    store_.commit(std::move(write), [](const Result<store::ObjectRef>&) {});
  }

  store::Store& store_;
  store::Follower follower_;
  Executor& executor_;
  const Clock& clock_;
  const std::weak_ptr<Backend> backend_;
  std::deque<Due> queue_;
};

}  // namespace

void start_event_expiry(const BackendRef& backend) {
  auto expiry = std::make_shared<Expiry>(backend);
  expiry->start();
  backend->event_expiry = std::move(expiry);
}

}  // namespace pinnace::apiserver
