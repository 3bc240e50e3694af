// A server whose webhooks a test answers for.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/testing.h"
#include "apiserver/webhook/webhook_client.h"
#include "base/strings.h"
#include "store/test_support.h"

namespace pinnace::apiserver::testing {

// What a webhook says to the review that it is sent.
using Says = std::function<std::string(const api::Value& request)>;

inline std::string response(const api::Value& request, const std::string& rest) {
  return R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":")" +
         std::string(request.string_at("uid")) + "\"," + rest + "}}";
}

class FakeClient final : public WebhookClient {
 public:
  struct Seen {
    std::string url, dial_host, review, authorization;
    Duration timeout;
  };
  void send(const WebhookTargetRef& target, WebhookRequest request, WebhookDone done) override {
    seen.push_back(
        {target->url(), request.dial_host, request.body, target->authorization(), request.timeout});
    const auto at = target->url().find('?');
    const auto found = hooks.find(target->url().substr(0, at));
    if (found == hooks.end()) {
      return done(errors::unavailable(webhook_failure(*target, "connection refused")));
    }
    api::Arena arena;
    const auto review = api::parse_json(arena, request.body);
    done(WebhookAnswer{200, {}, found->second(*review->find("request"))});
  }
  std::map<std::string, Says> hooks;
  std::vector<Seen> seen;
};

class WebhooksTest : public ::testing::Test {
 protected:
  void start(WebhookClient& client) {
    Options options{*store_, executor_, executor_, *rng_, metrics_};
    options.webhooks = &client;
    options.configuration.audit = audit_;
    options.configuration.admission_control_config_file = configuration_file_;
    auto made = Server::create(std::move(options));
    ASSERT_TRUE(made);
    server_ = std::move(*made);
  }
  net::Request request(std::string_view method, std::string_view target, std::string_view body) {
    net::Request out = request_of({}, method, target);
    out.body = body;
    if (!body.empty()) {
      out.headers.set("content-type",
                      method == "PATCH" ? "application/merge-patch+json" : "application/json");
    }
    return out;
  }
  AnswerRef call(std::string_view method, std::string_view target, std::string_view body = {}) {
    auto answer = std::make_shared<Answer>();
    server_->handle(request(method, target, body), answer);
    return answer;
  }
  AnswerRef map(const std::string& name, const std::string& data = "{}",
                const std::string& query = "") {
    return call("POST", "/api/v1/namespaces/default/configmaps" + query,
                R"({"metadata":{"name":")" + name + R"("},"data":)" + data + "}");
  }
  // A configuration with one webhook for ConfigMaps at https://hook/NAME.
  void hook(const std::string& kind, const std::string& name, const std::string& rest = "",
            const std::string& rules = R"("apiGroups":[""],"apiVersions":["v1"],)"
                                       R"("resources":["configmaps"],"operations":["*"])") {
    const std::string body =
        R"({"metadata":{"name":")" + name + R"("},"webhooks":[{"name":")" + name +
        R"(.example.com","sideEffects":"None","admissionReviewVersions":["v1"],)"
        R"("clientConfig":{"url":"https://hook/)" +
        name + R"("},"rules":[{)" + rules + "}]" + rest + "}]}";
    const auto made = call(
        "POST", "/apis/admissionregistration.k8s.io/v1/" + kind + "webhookconfigurations", body);
    ASSERT_EQ(made->status, 201) << made->body;
  }
  // Adds a member to the map's data.
  static Says adds(const std::string& key) {
    return [key](const api::Value& request) {
      const std::string patch = R"([{"op":"add","path":"/data/)" + key + R"(","value":"yes"}])";
      return response(request, R"("allowed":true,"patchType":"JSONPatch","patch":")" +
                                   base64_encode(patch) + "\"");
    };
  }
  static std::string allow(const api::Value& request) {
    return response(request, R"("allowed":true)");
  }

  io::SimExecutor executor_;
  // Writes on the caller's thread, so that every answer is there on return.
  std::unique_ptr<store::EmbeddedStore> store_ =
      store::EmbeddedStore::create(
          {.inline_writer = true},
          std::make_unique<store::MemoryJournal>(std::make_shared<store::MemoryDisk>()))
          .value();
  std::unique_ptr<Rng> rng_ = seeded_rng(1);
  metrics::Registry metrics_;
  FakeClient client_;
  AuditSettings audit_;
  std::string configuration_file_;
  std::unique_ptr<Server> server_;
};

}  // namespace pinnace::apiserver::testing
