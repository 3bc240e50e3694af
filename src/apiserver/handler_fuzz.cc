// A server under requests of its administrator: each is answered, and none by a fault of ours.
// Input: a request a line: METHOD TARGET CONTENT-TYPE BODY, where the body has no line break.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/testing_mutator.h"
#include "apiserver/testing.h"

namespace {

using namespace pinnace;
using namespace pinnace::apiserver::testing;

constexpr std::size_t kMaxRequests = 16;

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

class World {
 public:
  World() : disk_(std::make_shared<store::MemoryDisk>()) {
    TestServer first(true, disk_);
    (void)first.server();
    first.executor().run_until_idle();
  }

  // The server as it was made, whatever earlier inputs did: an input means the same every time.
  void begin_input() {
    server_ = std::make_unique<TestServer>(false, disk_->after_power_loss());
    (void)server_->server();
    server_->executor().run_until_idle();
  }

  void ask(std::string_view line) {
    const std::string_view method = take_word(line), target = take_word(line);
    const std::string_view content_type = take_word(line);
    net::Request request = server_->request(method, target);
    request.body = line;
    if (!content_type.empty()) request.headers.set("content-type", content_type);
    if (content_type == "table") request.headers.set("accept", kTable);
    const auto answer = server_->call(std::move(request));
    server_->executor().run_until_idle();
    if (answer->status == 0 && !answer->ended) fail(*answer);
    if (answer->status == 500 && !is_of_kubernetes(answer->body)) fail(*answer);
    answer->close();
  }

 private:
  // What Kubernetes, too, calls its own fault has no reason; a fault of ours is an InternalError.
  static bool is_of_kubernetes(std::string_view body) {
    return body.find("\"code\":500") != std::string_view::npos &&
           body.find("\"reason\":") == std::string_view::npos;
  }
  static constexpr std::string_view kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";

  [[noreturn]] static void fail(const Answer& answer) {
    std::fprintf(stderr, "answered %d: %s\n", answer.status, answer.body.c_str());
    std::abort();
  }

  const std::shared_ptr<store::MemoryDisk> disk_;
  std::unique_ptr<TestServer> server_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World& world = *new World();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  world.begin_input();
  for (std::size_t count = 0; !rest.empty() && count < kMaxRequests; ++count) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    world.ask(line);
  }
  return 0;
}
