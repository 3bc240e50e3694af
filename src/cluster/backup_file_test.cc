#include "cluster/backup_file.h"

#include <gtest/gtest.h>

#include "net/digest.h"
#include "store/splice.h"

namespace pinnace::cluster {
namespace {

store::Content some_content() {
  store::Content content{42, {}};
  for (const store::Revision revision : {7u, 40u}) {
    auto object = std::make_shared<store::Object>();
    object->key = {"apps/deployments", "x", "web-" + std::to_string(revision)};
    object->uid = "uid";
    object->revision = revision;
    object->created_revision = 3;
    store::splice(*object, R"({"metadata":{)", R"(,"name":"web"}})");
    content.objects.push_back(std::move(object));
  }
  return content;
}

TEST(BackupFile, ComesBackAsItWas) {
  const auto content = some_content();
  const auto read = decode_backup(encode_backup(content)).value();
  EXPECT_EQ(read.revision, 42u);
  ASSERT_EQ(read.objects.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.objects[i]->key, content.objects[i]->key);
    EXPECT_EQ(read.objects[i]->uid, "uid");
    EXPECT_EQ(read.objects[i]->revision, content.objects[i]->revision);
    EXPECT_EQ(read.objects[i]->json.text(), content.objects[i]->json.text());
  }
  EXPECT_TRUE(decode_backup(encode_backup({.revision = 1})).value().objects.empty());
}

TEST(BackupFile, AnyChangeAndAnyCutIsRefused) {
  const std::string good = encode_backup(some_content());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(decode_backup(changed).has_value()) << i;
    EXPECT_FALSE(decode_backup(good.substr(0, i)).has_value()) << i;
  }
  EXPECT_FALSE(decode_backup(good + "x").has_value());
  EXPECT_EQ(decode_backup("something else").error().message, "this is no backup of pinnace");
}

TEST(BackupFile, ARecordWhoseRevisionIsElsewhereIsRefused) {
  auto content = some_content();
  auto object = std::make_shared<store::Object>();
  object->key = content.objects[0]->key;
  object->revision = 7;
  object->json = std::string("{}");
  object->revision_offset = 1;
  content.objects = {object};
  EXPECT_FALSE(decode_backup(encode_backup(content)).has_value());
}

}  // namespace
}  // namespace pinnace::cluster
