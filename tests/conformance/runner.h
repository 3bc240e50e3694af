// Runner plays one story on a cluster of its own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/testing.h"
#include "conformance/matching.h"
#include "conformance/script.h"
#include "sim/cluster.h"

namespace pinnace::conformance {

class Runner {
 public:
  Runner();
  ~Runner();

  // Does what the step says; "" or what was wrong.
  std::string play(const Step& step);

 private:
  struct Request {
    std::string method, target, content_type, body;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  using AnswerRef = apiserver::testing::AnswerRef;

  std::string request(const Step& step);
  std::string repeat(const Step& step);
  std::string expect(const Step& step, bool eventually);
  std::string open_watch(const Step& step);
  std::string expect_events(const Step& step);
  std::string advance(const Step& step);

  AnswerRef send(const Request& what);
  // Whether the last answer is as the step says; else why not.
  std::string check(const Step& step);
  std::string check_warning(const std::string& text) const;

  sim::Cluster cluster_;
  Names names_;
  apiserver::testing::Caller caller_;
  std::vector<std::pair<std::string, std::string>> headers_;
  bool is_verbatim_ = false;  // The next request's body.
  std::optional<Request> last_;
  AnswerRef answer_;
  struct Watch {
    AnswerRef answer;
    std::size_t seen_bytes = 0;
  };
  std::map<std::string, Watch> watches_;
};

}  // namespace pinnace::conformance
