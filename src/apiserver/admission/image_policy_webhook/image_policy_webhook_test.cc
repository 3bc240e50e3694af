// What a server outside is asked about images.
#include <mutex>

#include "apiserver/testing.h"
#include "apiserver/webhook/webhook_client.h"
#include "io/files.h"
#include "io/testing_directory.h"
#include "net/server.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

const std::string kPods = "/api/v1/namespaces/default/pods";

// Allows all images but "bad", has no answer about "unknown", and keeps what it was asked last.
class Reviewer : public net::Handler {
 public:
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    const bool is_bad = request.body.find("\"bad\"") != std::string::npos;
    {
      const std::lock_guard lock(mutex_);
      asked_ = request.body;
    }
    net::Headers headers;
    headers.add("content-type", "application/json");
    const bool is_known = request.body.find("\"unknown\"") == std::string::npos;
    exchange->respond(is_known ? 200 : 503, std::move(headers),
                      std::string(R"({"kind":"ImageReview","status":{"allowed":)") +
                          (is_bad ? R"(false,"reason":"no")" : "true") +
                          R"(,"auditAnnotations":{"seen-by":"me"}}})");
  }
  std::string asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::string asked_;
};

class ImagePolicyWebhookTest : public ::testing::Test {
 protected:
  ImagePolicyWebhookTest() {
    net::ServerOptions options;
    options.handler = &reviewer_;
    options.threads = 1;
    webhook_ = std::move(net::Server::create(std::move(options)).value());
    const std::string kubeconfig = directory_.write(
        "kubeconfig",
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
        "clusters: [{name: k, cluster: {server: \"http://127.0.0.1:" +
            std::to_string(webhook_->port()) + "/\"}}]\n");
    server_->configuration.admission_control_config_file =
        directory_.write("admission.yaml",
                         "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"
                         "plugins:\n- name: ImagePolicyWebhook\n"
                         "  configuration: {imagePolicy: {defaultAllow: true, kubeConfigFile: " +
                             kubeconfig + "}}\n");
    server_->configuration.audit.log_path = log_path_;
    server_->configuration.audit.policy_text =
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
        "- {level: Metadata, resources: [{resources: [pods]}]}\n";
    server_->configuration.enabled_admission_plugins = {"ImagePolicyWebhook"};
    server_->webhooks = client_.get();
    server_->make_service_account("default");
  }
  testing::AnswerRef call(const char* method, const std::string& path, const std::string& body,
                          const std::string& media) {
    const auto answer = std::make_shared<testing::AwaitedAnswer>();
    auto request = server_->request(method, path);
    request.headers.add("content-type", media);
    request.body = body;
    server_->server().handle(std::move(request), answer);
    answer->wait();
    return answer;
  }
  testing::AnswerRef make(const std::string& name, const std::string& image) {
    return call("POST", kPods,
                R"({"metadata":{"name":")" + name +
                    R"("},"spec":{"initContainers":[{"name":"i","image":"first"}],)"
                    R"("containers":[{"name":"c","image":")" +
                    image + R"("}]}})",
                "application/json");
  }

  const io::testing::ScratchDirectory directory_;
  const std::string log_path_ = directory_.path() + "/audit";
  Reviewer reviewer_;
  std::unique_ptr<net::Server> webhook_;
  std::unique_ptr<TestServer> server_ = std::make_unique<TestServer>();
  // Goes first: what it is about to answer still wants the server.
  std::unique_ptr<WebhookClient> client_ = WebhookClient::create();
};

TEST_F(ImagePolicyWebhookTest, AsksAboutWhatIsNew) {
  ASSERT_EQ(make("p", "good")->status, 201);
  EXPECT_NE(reviewer_.asked().find(R"("containers":[{"image":"good"},{"image":"first"}])"),
            std::string::npos)
      << reviewer_.asked();
  const auto added = call("PATCH", kPods + "/p/ephemeralcontainers",
                          R"({"spec":{"ephemeralContainers":[{"name":"e","image":"later"}]}})",
                          "application/strategic-merge-patch+json");
  ASSERT_EQ(added->status, 200) << added->body;
  EXPECT_NE(reviewer_.asked().find(R"("containers":[{"image":"later"}])"), std::string::npos)
      << reviewer_.asked();
}

TEST_F(ImagePolicyWebhookTest, SaysWhyItRefuses) {
  const auto refused = make("p", "bad");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"p\" is forbidden: image policy webhook backend denied one or more images: no");
}

TEST_F(ImagePolicyWebhookTest, TellsWhatWasAllowedWithoutAnAnswer) {
  const auto known = make("known", "good");
  EXPECT_EQ(known->json().find_path({"metadata", "annotations"}), nullptr) << known->body;
  const auto made = make("p", "unknown");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto* annotations = made->json().find_path({"metadata", "annotations"});
  ASSERT_NE(annotations, nullptr) << made->body;
  EXPECT_EQ(annotations->string_at("alpha.image-policy.k8s.io/failed-open"), "true");
  client_.reset();
  server_.reset();
  const std::string lines = io::read_file(log_path_).value();
  const auto at = lines.find("\"name\":\"p\"");
  ASSERT_NE(at, std::string::npos) << lines;
  EXPECT_NE(lines.substr(0, at).find(
                R"("imagepolicywebhook.image-policy.k8s.io/seen-by":"me")"),
            std::string::npos)
      << lines;
  EXPECT_NE(lines.find(R"("imagepolicywebhook.image-policy.k8s.io/failed-open":"true")", at),
            std::string::npos)
      << lines;
}

}  // namespace
}  // namespace pinnace::apiserver
