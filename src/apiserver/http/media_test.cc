#include "apiserver/http/media.h"

#include <gtest/gtest.h>

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

Output wanted(std::string_view accept) { return negotiate(accept, {.shapes = true}).value(); }

TEST(Negotiate, TakesTheFirstOfEqualEntries) {
  EXPECT_EQ(wanted("").media, Media::kJson);
  EXPECT_EQ(wanted("*/*").media, Media::kJson);
  EXPECT_EQ(wanted("application/yaml").media, Media::kYaml);
  EXPECT_EQ(wanted("application/vnd.kubernetes.protobuf,application/json").media, Media::kProtobuf);
  EXPECT_EQ(wanted("text/html, application/json, */*").media, Media::kJson);
}

TEST(Negotiate, HeedsQuality) {
  EXPECT_EQ(wanted("application/json;q=0.5, application/yaml;q=0.8").media, Media::kYaml);
  EXPECT_EQ(wanted("application/yaml;q=0, application/json;q=0.001").media, Media::kJson);
  EXPECT_EQ(wanted("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8").media,
            Media::kJson);
  EXPECT_EQ(negotiate("application/json;q=0", {}).error().code, 406);
}

TEST(Negotiate, ReadsShapes) {
  const Output table = wanted(
      "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;"
      "g=meta.k8s.io,application/json");
  EXPECT_EQ(table.shape, Shape::kTable);
  EXPECT_EQ(table.shape_version, "v1");
  const Output partial = wanted(
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1");
  EXPECT_EQ(partial.media, Media::kProtobuf);
  EXPECT_EQ(partial.shape, Shape::kPartialList);
  EXPECT_EQ(partial.shape_version, "v1beta1");
}

TEST(Negotiate, PassesOverShapesThatCannotBeHad) {
  EXPECT_EQ(
      negotiate("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", {}).value().shape,
      Shape::kObject);
  EXPECT_EQ(wanted("application/json;as=Table;v=v2;g=meta.k8s.io,application/yaml").media,
            Media::kYaml);
  EXPECT_EQ(
      negotiate("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", {.shapes = true})
          .error()
          .code,
      406);
  EXPECT_EQ(negotiate("text/html", {}).error().reason, "NotAcceptable");
  EXPECT_EQ(negotiate("text/yaml", {}).error().reason, "NotAcceptable");
}

TEST(BodyMedia, KnowsTheFormsOfObjects) {
  EXPECT_EQ(body_media("").value(), Media::kJson);
  EXPECT_EQ(body_media("Application/JSON; charset=utf-8").value(), Media::kJson);
  EXPECT_EQ(body_media("application/yaml").value(), Media::kYaml);
  EXPECT_EQ(body_media(kProtobuf).value(), Media::kProtobuf);
  EXPECT_EQ(body_media("text/plain").error().code, 415);
  EXPECT_EQ(body_media("text/yaml").error().code, 415);
}

}  // namespace
}  // namespace pinnace::apiserver
