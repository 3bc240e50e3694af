#include "io/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>

extern char** environ;

namespace pinnace::io {
namespace {

std::vector<std::string> child_environment(const SpawnOptions& options) {
  std::map<std::string, std::string, std::less<>> merged;
  auto put = [&merged](std::string_view entry) {
    merged[std::string(entry.substr(0, entry.find('=')))] = std::string(entry);
  };
  if (options.inherit_environment)
    for (char** entry = environ; *entry != nullptr; ++entry) put(*entry);
  for (const std::string& entry : options.environment) put(entry);
  std::vector<std::string> result;
  for (auto& [name, entry] : merged) result.push_back(std::move(entry));
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;

  void prepare(const SpawnOptions& options) {
    const int wanted[3] = {options.stdin_fd, options.stdout_fd, options.stderr_fd};
    for (int target = 0; target < 3; ++target) {
      // dup2 of a descriptor to itself clears close-on-exec in posix_spawn, as it must.
      if (wanted[target] >= 0)
        posix_spawn_file_actions_adddup2(&actions, wanted[target], target);
      else
        posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!options.directory.empty())
      posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (options.new_session) flags |= POSIX_SPAWN_SETSID;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, flags);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return errors::system("pipe2", errno);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// Moves bytes between us and the child until its streams end or time is up.
class Communication {
 public:
  Communication(UniqueFd in, UniqueFd out, UniqueFd err, const std::string& input,
                std::size_t max_output, RunResult& result)
      : fds_{std::move(in), std::move(out), std::move(err)},
        input_(input),
        max_output_(max_output),
        result_(result) {
    for (UniqueFd& fd : fds_) fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    if (input_.empty()) fds_[0].reset();
  }

  // `pidfd` ends the waiting too: a grandchild may hold the pipes open for ever.
  void pump(int pidfd, MonotonicTime deadline) {
    bool ended = false;
    while (!ended) {
      pollfd wait[4] = {{fds_[0].get(), POLLOUT, 0},
                        {fds_[1].get(), POLLIN, 0},
                        {fds_[2].get(), POLLIN, 0},
                        {pidfd, POLLIN, 0}};
      Duration left = deadline - real_clock().monotonic();
      if (left <= Duration::zero()) return;
      auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
      if (poll(wait, 4, static_cast<int>(std::min<std::int64_t>(ms, 60'000))) < 0) continue;
      if (wait[3].revents != 0) ended = true;
      if (wait[0].revents != 0) feed();
      if (wait[1].revents != 0) drain(fds_[1], result_.output);
      if (wait[2].revents != 0) drain(fds_[2], result_.error_output);
    }
    drain(fds_[1], result_.output);
    drain(fds_[2], result_.error_output);
  }

 private:
  void feed() {
    ssize_t n = ::write(fds_[0].get(), input_.data(), input_.size());
    if (n > 0) input_.remove_prefix(static_cast<std::size_t>(n));
    if (input_.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) fds_[0].reset();
  }

  void drain(UniqueFd& fd, std::string& to) {
    char buffer[16384];
    while (fd.valid()) {
      ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n > 0) {
        auto room = max_output_ - std::min(max_output_, to.size());
        to.append(buffer, std::min(static_cast<std::size_t>(n), room));
      } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fd.reset();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  UniqueFd fds_[3];
  std::string_view input_;
  const std::size_t max_output_;
  RunResult& result_;
};

}  // namespace

Result<std::unique_ptr<Process>> Process::spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return errors::bad_request("no program to run");
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> environment = child_environment(options);
  SpawnPlan plan;
  plan.prepare(options);
  pid_t pid = -1;
  int failed = posix_spawnp(&pid, argv[0].c_str(), &plan.actions, &plan.attributes,
                            pointers(argv).data(), pointers(environment).data());
  if (failed != 0) return errors::system("start " + argv[0], failed);
  // Nobody else waits for it, so the pid cannot have been used again.
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) {
    int error_number = errno;
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return errors::system("pidfd_open", error_number);
  }
  return std::unique_ptr<Process>(new Process(pid, std::move(pidfd)));
}

Process::~Process() {
  if (loop_ != nullptr) loop_->remove_fd(pidfd_.get());
}

Result<void> Process::kill(int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0) return {};
  if (errno == ESRCH) return errors::not_found("process", std::to_string(pid_));
  return errors::system("pidfd_send_signal", errno);
}

ExitStatus Process::reap() {
  int raw = 0;
  while (waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  ExitStatus status;
  if (WIFEXITED(raw)) status.code = WEXITSTATUS(raw);
  if (WIFSIGNALED(raw)) status.signal = WTERMSIG(raw);
  return status;
}

void Process::wait(Loop& loop, std::function<void(ExitStatus)> ended) {
  loop_ = &loop;
  loop.add_fd(pidfd_.get(), EPOLLIN, [this, ended = std::move(ended)](std::uint32_t) {
    ExitStatus status = reap();
    loop_->remove_fd(pidfd_.get());
    loop_ = nullptr;
    ended(status);  // May destroy us; the loop keeps this closure until it has returned.
  });
}

bool Process::wait_for(Duration timeout, ExitStatus& status) {
  MonotonicTime deadline = real_clock().monotonic() + timeout;
  while (true) {
    Duration left = deadline - real_clock().monotonic();
    auto ms =
        std::chrono::ceil<std::chrono::milliseconds>(std::max(left, Duration::zero())).count();
    pollfd wait = {pidfd_.get(), POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(ms, 60'000))) > 0) break;
    if (left <= Duration::zero()) return false;
  }
  status = reap();
  return true;
}

Result<RunResult> run(SpawnOptions options, Duration timeout, const std::string& input,
                      std::size_t max_output_bytes) {
  auto in = make_pipe(), out = make_pipe(), err = make_pipe();
  if (!in || !out || !err) return errors::internal("no pipes left");
  options.stdin_fd = in->read.get();
  options.stdout_fd = out->write.get();
  options.stderr_fd = err->write.get();
  // A child that does not read its input must not end us with SIGPIPE.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  auto restore = [&] {
    timespec at_once{};
    if (sigismember(&before, SIGPIPE) == 0) sigtimedwait(&pipe_signal, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  };

  MonotonicTime deadline = real_clock().monotonic() + timeout;
  auto process = Process::spawn(options);
  if (!process) {
    restore();
    return std::unexpected(process.error());
  }
  in->read.reset();
  out->write.reset();
  err->write.reset();
  RunResult result;
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, (*process)->pid(), 0)));
  Communication(std::move(in->write), std::move(out->read), std::move(err->read), input,
                max_output_bytes, result)
      .pump(pidfd.get(), deadline);
  if (!(*process)->wait_for(deadline - real_clock().monotonic(), result.status)) {
    result.timed_out = true;
    (void)(*process)->kill(SIGKILL);
    (*process)->wait_for(std::chrono::seconds(10), result.status);
  }
  restore();
  return result;
}

}  // namespace pinnace::io
