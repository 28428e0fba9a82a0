#include "core/worker/lineage.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/base/durable_file.h"
#include "core/data/manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::IsOk;
using ::distill::testing::TempDir;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// FIPS 180-4's own example.
constexpr char kHashOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class LineageTest : public ::testing::Test {
 protected:
  LineageTest() {
    manifest_.class_names = {"a \"wren\"", "rook"};
    manifest_.entries = {{"/a.ppm", 0, Split::kTrain, std::string(64, '1')},
                         {"/b.ppm", 1, Split::kVal, std::string(64, '2')}};
    EXPECT_OK(WriteManifest(directory_.path() / "manifest.csv", manifest_));
    EXPECT_OK(ReplaceFile(directory_.path() / "abc", "abc"));
  }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }

  worker::v1::WorkerSpec TrainSpec() const {
    worker::v1::WorkerSpec spec;
    spec.set_job("7");
    spec.set_attempt(2);
    worker::v1::TrainTask& task = *spec.mutable_train();
    task.set_dataset_manifest(Path("manifest.csv"));
    task.mutable_job()->set_model("mobilenetv2");
    task.mutable_job()->set_dataset("birds");
    task.mutable_job()->mutable_input()->set_image_size(96);
    task.mutable_job()->mutable_input()->set_normalization(v1::NORMALIZATION_IMAGENET);
    worker::v1::ResolvedTeacher& teacher = *task.add_teachers();
    teacher.set_weights(Path("abc"));
    teacher.set_model("resnet50");
    teacher.set_job("3");
    return spec;
  }

  TempDir directory_;
  Manifest manifest_;
};

TEST_F(LineageTest, ATrainingNamesEachFileThatItReadsByItsHash) {
  worker::v1::WorkerSpec spec = TrainSpec();
  spec.mutable_train()->set_initial_weights(Path("abc"));

  const v1::Lineage lineage = LineageOf(spec).facts;

  EXPECT_EQ(lineage.job(), "7");
  EXPECT_EQ(lineage.attempt(), 2);
  EXPECT_EQ(lineage.manifest_sha256(), ManifestSha256(manifest_));
  EXPECT_EQ(lineage.image_size(), 96);
  EXPECT_THAT(lineage.mean(), ElementsAre(0.485, 0.456, 0.406));
  EXPECT_EQ(lineage.initial_weights().sha256(), kHashOfAbc);
  EXPECT_EQ(lineage.initial_weights().size_bytes(), 3);
  EXPECT_EQ(lineage.initial_weights().job(), "");  // a file from outside
  ASSERT_EQ(lineage.teachers_size(), 1);
  EXPECT_EQ(lineage.teachers(0).sha256(), kHashOfAbc);
  EXPECT_EQ(lineage.teachers(0).job(), "3");
  EXPECT_EQ(lineage.worker_sha256().size(), 64U);
}

TEST_F(LineageTest, AnotherSpecHasAnotherHashAndAnotherAttemptHasNot) {
  worker::v1::WorkerSpec spec = TrainSpec();
  const std::string hash = LineageOf(spec).facts.spec_sha256();
  spec.set_attempt(3);
  EXPECT_EQ(LineageOf(spec).facts.spec_sha256(), hash);
  spec.mutable_train()->mutable_job()->set_seed(1);
  EXPECT_NE(LineageOf(spec).facts.spec_sha256(), hash);
}

TEST_F(LineageTest, AnEvaluationNamesItsWeights) {
  worker::v1::WorkerSpec spec;
  worker::v1::EvalTask& task = *spec.mutable_eval();
  task.set_dataset_manifest(Path("manifest.csv"));
  task.set_weights(Path("abc"));
  task.set_model_job("7");

  const v1::Lineage lineage = LineageOf(spec).facts;

  EXPECT_EQ(lineage.evaluated_weights().sha256(), kHashOfAbc);
  EXPECT_EQ(lineage.evaluated_weights().job(), "7");
  EXPECT_FALSE(lineage.has_initial_weights());
}

TEST_F(LineageTest, AFileThatCannotBeReadHasNoHash) {
  worker::v1::WorkerSpec spec = TrainSpec();
  spec.mutable_train()->set_initial_weights(Path("absent"));

  EXPECT_EQ(LineageOf(spec).facts.initial_weights().path(), Path("absent"));
  EXPECT_EQ(LineageOf(spec).facts.initial_weights().sha256(), "");
}

std::vector<std::string> RolesOf(const RunLineage& lineage) {
  std::vector<std::string> roles;
  for (const HashedFile& file : lineage.files) roles.push_back(file.role);
  return roles;
}

TEST_F(LineageTest, TheFilesThatWereHashedCanBeToldFromOthersLater) {
  worker::v1::WorkerSpec spec = TrainSpec();
  spec.mutable_train()->set_initial_weights(Path("abc"));

  const RunLineage lineage = LineageOf(spec);

  ASSERT_THAT(RolesOf(lineage), ElementsAre("data set", "initial weights", "teacher"));
  EXPECT_EQ(lineage.files[0].sha256, ManifestSha256(manifest_));
  EXPECT_EQ(lineage.files[2].sha256, kHashOfAbc);
  EXPECT_THAT(CheckUnchanged(lineage.files, Status()), IsOk());
  EXPECT_OK(ReplaceFile(directory_.path() / "abc", "abd"));
  EXPECT_THAT(CheckUnchanged(lineage.files, Status()), HasCode(Code::kAborted));
}

TEST_F(LineageTest, EachOfSeveralTeachersHasANumber) {
  worker::v1::WorkerSpec spec = TrainSpec();
  *spec.mutable_train()->add_teachers() = spec.train().teachers(0);

  EXPECT_THAT(RolesOf(LineageOf(spec)), ElementsAre("data set", "teacher 1", "teacher 2"));
}

TEST_F(LineageTest, MetadataHoldTheFactsAsTexts) {
  const std::map<std::string, std::string> metadata = MetadataOf(LineageOf(TrainSpec()).facts);

  EXPECT_EQ(nlohmann::json::parse(metadata.at("class_names")), manifest_.class_names);
  EXPECT_THAT(metadata, Contains(Pair("mean", "[0.485,0.456,0.406]")));
  EXPECT_THAT(metadata, Contains(Pair("teacher_sha256", kHashOfAbc)));
  EXPECT_THAT(metadata, Contains(Pair("teacher_file", "abc")));
  EXPECT_THAT(metadata, Contains(Pair("teacher_job", "3")));
  EXPECT_THAT(metadata, Not(Contains(Key("initial_weights_sha256"))));
}

TEST_F(LineageTest, OnlyWeightsThatARequestNamedAreHeldToTheRoots) {
  const TempDir elsewhere;
  worker::v1::WorkerSpec spec = TrainSpec();
  spec.mutable_train()->set_initial_weights(Path("abc"));
  spec.add_weights_roots(elsewhere.path().string());

  EXPECT_EQ(LineageOf(spec).facts.initial_weights().sha256(), "");
  spec.mutable_train()->mutable_job()->mutable_initial_weights()->set_job("3");
  EXPECT_EQ(LineageOf(spec).facts.initial_weights().sha256(), kHashOfAbc);
  spec.mutable_train()->mutable_job()->mutable_initial_weights()->set_file(Path("abc"));
  spec.add_weights_roots(directory_.path().string());
  EXPECT_EQ(LineageOf(spec).facts.initial_weights().sha256(), kHashOfAbc);
}

}  // namespace
}  // namespace distill::core
