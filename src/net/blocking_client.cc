#include <condition_variable>
#include <future>
#include <mutex>

#include "io/loop.h"
#include "net/http_client.h"

namespace pinnace::net {
namespace {

// One caller that waits. Its fields up to `call` belong to the loop's thread.
struct Wait {
  ClientResponse response;
  Executor::TimerId timer = 0;
  std::unique_ptr<Call> call;

  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  Result<void> result;

  void finish(io::Loop& loop, Result<void> with) {
    loop.cancel(timer);
    auto ended = std::move(call);  // Its events hold us.
    std::lock_guard lock(mutex);
    if (done) return;
    done = true;
    result = std::move(with);
    changed.notify_one();
  }
};

class BlockingClientImpl final : public BlockingClient {
 public:
  explicit BlockingClientImpl(ClientOptions options)
      : thread_("http-client"), client_(HttpClient::create(thread_.loop(), std::move(options))) {}

  ~BlockingClientImpl() override {
    std::promise<void> done;
    thread_.loop().post([&] {
      client_.reset();
      done.set_value();
    });
    done.get_future().get();
  }

  Result<ClientResponse> send(ClientRequest request, Duration timeout,
                              std::size_t max_body_bytes) override {
    auto wait = std::make_shared<Wait>();
    auto shared_request = std::make_shared<ClientRequest>(std::move(request));
    thread_.loop().post([this, wait, shared_request, timeout, max_body_bytes] {
      start(wait, std::move(*shared_request), timeout, max_body_bytes);
    });
    std::unique_lock lock(wait->mutex);
    wait->changed.wait(lock, [&] { return wait->done; });
    if (!wait->result) return std::unexpected(wait->result.error());
    return std::move(wait->response);
  }

  io::Loop& loop() override { return thread_.loop(); }
  HttpClient& async() override { return *client_; }

 private:
  void start(const std::shared_ptr<Wait>& wait, ClientRequest request, Duration timeout,
             std::size_t max_body_bytes) {
    io::Loop& loop = thread_.loop();
    wait->timer = loop.schedule_after(timeout, [wait, &loop, method = request.method] {
      wait->finish(loop, errors::timeout(method + ": no answer in time", 0));
    });
    Call::Events events;
    events.on_head = [wait](const ResponseHead& head) {
      wait->response.status = head.status;
      wait->response.headers = head.headers;
    };
    events.on_data = [wait, &loop, max_body_bytes](std::string_view bytes) {
      if (wait->response.body.size() + bytes.size() > max_body_bytes)
        return wait->finish(loop, errors::too_large("the answer is too large"));
      wait->response.body.append(bytes);
    };
    events.on_done = [wait, &loop](Result<void> result) { wait->finish(loop, std::move(result)); };
    auto call = client_->send(std::move(request), std::move(events));
    std::lock_guard lock(wait->mutex);
    if (!wait->done) wait->call = std::move(call);
  }

  io::LoopThread thread_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

std::unique_ptr<BlockingClient> BlockingClient::create(ClientOptions options) {
  return std::make_unique<BlockingClientImpl>(std::move(options));
}

}  // namespace pinnace::net
