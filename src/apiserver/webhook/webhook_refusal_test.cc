#include "apiserver/webhook/webhook_refusal.h"

#include <gtest/gtest.h>

namespace pinnace::apiserver {
namespace {

WebhookAnswer answer(int status, const std::string& media, const std::string& body) {
  WebhookAnswer answer{status, {}, body};
  if (!media.empty()) answer.headers.add("content-type", media);
  return answer;
}

TEST(WebhookRefusalTest, HasTheWordsOfTheStatusCode) {
  EXPECT_EQ(refusal_of(answer(422, "text/plain", "no")),
            "the server rejected our request due to an error in our request");
  EXPECT_EQ(refusal_of(answer(302, "", "")),
            "the server responded with the status code 302 but did not return more information");
}

TEST(WebhookRefusalTest, ShowsWhatTheServerSaysWhereThatHelps) {
  EXPECT_EQ(refusal_of(answer(403, "text/plain; charset=utf-8", " who are you\n")), "who are you");
  EXPECT_EQ(
      refusal_of(answer(500, "", "broken \"here\"\n")),
      R"(an error on the server ("broken \"here\"") has prevented the request from succeeding)");
  EXPECT_EQ(refusal_of(answer(500, "application/json", "{}")),
            R"(an error on the server ("unknown") has prevented the request from succeeding)");
  EXPECT_EQ(refusal_of(answer(406, "application/json", "{}")),
            "the server was unable to respond with a content type that the client supports");
}

TEST(WebhookRefusalTest, AStatusSpeaksForItself) {
  EXPECT_EQ(refusal_of(answer(422, "application/json", R"({"kind":"Status","apiVersion":"v1","message":"odd"})")),
            "odd");
}

}  // namespace
}  // namespace pinnace::apiserver
