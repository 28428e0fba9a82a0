#include "core/worker/wrong_pictures.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include "core/data/image_decode.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/data/image_file.h"

namespace distill::core {
namespace {

using testing::IsOk;
using testing::TempDir;

EvalReport ReportOf(const std::filesystem::path& image) {
  EvalReport report;
  report.class_names = {"cat", "dog"};
  report.facts = {{"split", "test"}};
  report.num_wrong = 3;
  report.wrong = {{image, {0, 1, 0, 0.75, 0.25}}};
  return report;
}

v1::WrongPredictions Read(const std::string& json) {
  v1::WrongPredictions message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return message;
}

TEST(WrongPicturesTest, AWrongImageHasItsClassesItsScoresAndASmallPicture) {
  const TempDir folder;
  ASSERT_THAT(WriteFile(folder.path() / "a.ppm", EncodePpm(EvenImage(400, 200, 90))), IsOk());
  v1::EvalPass pass;
  pass.set_split(v1::SPLIT_TEST);

  const auto json = WrongPicturesJson(pass, ReportOf(folder.path() / "a.ppm"));

  ASSERT_THAT(json.status(), IsOk());
  const v1::WrongPredictions message = Read(*json);
  EXPECT_EQ(message.num_wrong(), 3);
  EXPECT_EQ(message.facts().at("split"), "test");
  EXPECT_FALSE(message.facts().at("libtorch").empty());
  ASSERT_EQ(message.predictions_size(), 1);
  EXPECT_EQ(message.predictions(0).true_class(), "dog");
  EXPECT_EQ(message.predictions(0).predicted_class(), "cat");
  EXPECT_EQ(message.predictions(0).predicted_score(), 0.75);
  EXPECT_EQ(message.predictions(0).true_score(), 0.25);
  const auto thumbnail = DecodeImage(message.predictions(0).thumbnail());
  ASSERT_THAT(thumbnail.status(), IsOk());
  EXPECT_EQ(thumbnail->size(), (ImageSize{128, 64}));
}

TEST(WrongPicturesTest, AnImageThatIsGoneIsNamedWithoutAPicture) {
  const auto json = WrongPicturesJson({}, ReportOf("/nowhere/b.jpg"));

  ASSERT_THAT(json.status(), IsOk());
  const v1::WrongPredictions message = Read(*json);
  EXPECT_EQ(message.predictions(0).path(), "/nowhere/b.jpg");
  EXPECT_TRUE(message.predictions(0).thumbnail().empty());
}

TEST(WrongPicturesTest, ANameThatIsNotUtf8CanBeReadBack) {
  const auto json = WrongPicturesJson({}, ReportOf("/nowhere/\xE9t\xE9.jpg"));

  ASSERT_THAT(json.status(), IsOk());
  EXPECT_THAT(Read(*json).predictions(0).path(), ::testing::HasSubstr("/nowhere/"));
}

}  // namespace
}  // namespace distill::core
