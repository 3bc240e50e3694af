#include "client/fibers.h"

#include <sys/mman.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "client/fiber_switch.h"

namespace pinnace::client {

namespace {

constexpr std::size_t kStackBytes = 256 << 10;
constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kIdleStacks = 16;  // Kept for the next fibers.

// Memory with a page below it that must not be touched.
class Stack {
 public:
  Stack()
      : memory_(mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0)) {
    PINNACE_ASSERT(memory_ != MAP_FAILED);
    PINNACE_ASSERT(mprotect(memory_, kGuardBytes, PROT_NONE) == 0);
  }
  ~Stack() { munmap(memory_, kGuardBytes + kStackBytes); }
  Stack(const Stack&) = delete;
  void* bottom() const { return static_cast<char*>(memory_) + kGuardBytes; }

 private:
  void* memory_;
};

}  // namespace

struct Fibers::Fiber : std::enable_shared_from_this<Fiber> {
  std::shared_ptr<State> state;
  std::function<void()> work;
  std::unique_ptr<Stack> stack;
  SwitchPoint here, caller;  // Where it stands, and where `resume` was called.
  std::optional<Result<Response>> answer;
  std::size_t children = 0;  // that have not ended
  bool waits_for_children = false;
  bool called_off = false, ended = false;

  void resume();   // Until it waits or ends.
  void suspend();  // From inside.
  void children_ended();
  static void main();
};

struct Fibers::State : std::enable_shared_from_this<State> {
  explicit State(Executor& e) : executor(e) {}
  std::shared_ptr<Fiber> add(std::function<void()> work);
  void call_off();

  Executor& executor;
  bool called_off = false;
  std::vector<std::shared_ptr<Fiber>> fibers;
  std::vector<std::unique_ptr<Stack>> idle_stacks;
  static thread_local Fiber* running;
};

thread_local Fibers::Fiber* Fibers::State::running = nullptr;

std::shared_ptr<Fibers::Fiber> Fibers::State::add(std::function<void()> work) {
  auto fiber = std::make_shared<Fiber>();
  fiber->state = shared_from_this();
  fiber->work = std::move(work);
  fiber->called_off = called_off;
  if (idle_stacks.empty()) {
    fiber->stack = std::make_unique<Stack>();
  } else {
    fiber->stack = std::move(idle_stacks.back());
    idle_stacks.pop_back();
  }
  fiber->here.prepare(fiber->stack->bottom(), kStackBytes, Fiber::main);
  fibers.push_back(fiber);
  return fiber;
}

void Fibers::State::call_off() {
  called_off = true;
  for (const auto& fiber : fibers) fiber->called_off = true;
  // One that waits for its children waits on until they have ended.
  while (!fibers.empty()) {
    for (const auto& fiber : std::vector(fibers)) {
      if (!fiber->ended) fiber->resume();
    }
  }
}

void Fibers::Fiber::resume() {
  const auto self = shared_from_this();
  Fiber* const outer = std::exchange(State::running, this);
  caller.switch_to(here, false);
  State::running = outer;
  if (!ended) return;
  const auto owner = state;
  here.finish();
  if (owner->idle_stacks.size() < kIdleStacks) owner->idle_stacks.push_back(std::move(stack));
  stack.reset();
  std::erase(owner->fibers, self);
}

void Fibers::Fiber::suspend() { here.switch_to(caller, false); }

// Called by the last child, which must end before its parent goes on.
void Fibers::Fiber::children_ended() {
  state->executor.post([weak = weak_from_this()] {
    const auto parent = weak.lock();
    if (parent && parent->waits_for_children && parent->children == 0) parent->resume();
  });
}

void Fibers::Fiber::main() {
  Fiber* const self = State::running;
  self->here.arrived(self->caller);
  std::exchange(self->work, nullptr)();
  self->ended = true;
  self->here.switch_to(self->caller, true);
}

Fibers::Fibers(Executor& executor) : state_(std::make_shared<State>(executor)) {}
Fibers::~Fibers() { state_->call_off(); }

void Fibers::run(std::function<void()> work) { state_->add(std::move(work))->resume(); }

std::size_t Fibers::size() const { return state_->fibers.size(); }

bool Fibers::inside() { return State::running != nullptr; }

Result<Response> Fibers::round_trip(Transport& transport, const Request& request) {
  Fiber* const self = State::running;
  if (!self->called_off) {
    self->answer.reset();
    // The answer to a call that was called off finds nobody who waits for it.
    transport.send(request, self->state->executor,
                   [weak = self->weak_from_this()](Result<Response> answer) {
                     const auto fiber = weak.lock();
                     if (!fiber || fiber->called_off) return;
                     fiber->answer = std::move(answer);
                     fiber->resume();
                   });
    self->suspend();
  }
  if (self->called_off) return errors::unavailable("the work was called off");
  return std::move(*self->answer);
}

void Fibers::in_parallel(std::size_t count, const std::function<void(std::size_t)>& one) {
  Fiber* const self = State::running;
  if (self == nullptr || count < 2) {
    for (std::size_t i = 0; i < count; ++i) one(i);
    return;
  }
  for (std::size_t begin = 0; begin < count; begin += kAtOnce) {
    for (std::size_t i = begin; i < std::min(count, begin + kAtOnce); ++i) {
      ++self->children;
      const auto child = self->state->add([self, &one, i] {
        one(i);
        if (--self->children == 0) self->children_ended();
      });
      child->resume();
    }
    while (self->children > 0) {
      self->waits_for_children = true;
      self->suspend();
      self->waits_for_children = false;
    }
  }
}

}  // namespace pinnace::client
