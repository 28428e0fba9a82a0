// Every file of deploy/recipes, read as the client reads it and checked as the server checks it.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "client/job_file.h"
#include "client/job_settings.h"
#include "core/base/architecture.h"
#include "core/base/durable_file.h"
#include "tests/unit/server/spec/spec_fixture.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

fs::path RecipeFolder() { return DISTILL_RECIPES; }

class RecipesTest : public SpecFixture {
 protected:
  void SetUp() override {
    SpecFixture::SetUp();
    const std::vector<v1::Split> all = {v1::SPLIT_TRAIN, v1::SPLIT_VAL, v1::SPLIT_TEST};
    AddDataset("cifar100", 100, all);
    AddDataset("cub200", 200, all);
    for (const Architecture& architecture : Architectures()) {
      if (!architecture.pretrained_file.empty()) {
        WriteFile(std::string(architecture.pretrained_file));
      }
    }
  }

  static std::vector<v1::Job> Read(const std::string& name) {
    const auto text = ReadFile(RecipeFolder() / name);
    EXPECT_OK(text);
    auto jobs = client::ParseJobFile(*text, name);
    EXPECT_OK(jobs);
    return jobs.ok() ? std::move(jobs).value() : std::vector<v1::Job>();
  }

  // Submits them and returns the training jobs as they are resolved, by name.
  std::map<std::string, v1::TrainJob> Accept(const std::vector<v1::Job>& jobs) {
    const Resolution resolution = Resolve(jobs);
    for (const FieldViolation& violation : resolution.violations) {
      ADD_FAILURE() << violation.field << ": " << violation.value << ": " << violation.remedy;
    }
    if (!resolution.violations.empty()) return {};
    EXPECT_OK(store_->InsertJobs(resolution.specs, "", "", 1).status());
    std::map<std::string, v1::TrainJob> trained;
    for (const JobSpec& spec : resolution.specs) {
      const v1::Job resolved = ResolvedRequest(spec).value();
      if (resolved.has_train()) trained[spec.name] = resolved.train();
    }
    return trained;
  }
};

// What a pair of CRD's table is called.
struct PublishedPair {
  std::string student;
  std::string teacher;
};

const std::vector<PublishedPair>& PairsOfTheTable() {
  static const std::vector<PublishedPair> pairs = {{"wrn-16-2", "wrn-40-2"},
                                                   {"wrn-40-1", "wrn-40-2"},
                                                   {"resnet20", "resnet56"},
                                                   {"resnet20", "resnet110"},
                                                   {"resnet32", "resnet110"},
                                                   {"resnet8x4", "resnet32x4"},
                                                   {"vgg8", "vgg13"},
                                                   {"cifar-mobilenetv2", "vgg13"},
                                                   {"cifar-mobilenetv2", "cifar-resnet50"},
                                                   {"vgg8", "cifar-resnet50"},
                                                   {"cifar-shufflenetv1", "resnet32x4"},
                                                   {"cifar-shufflenetv2", "resnet32x4"},
                                                   {"cifar-shufflenetv1", "wrn-40-2"}};
  return pairs;
}

// RepDistiller's train_student.py.
void ExpectPublishedSchedule(const std::string& name, const v1::TrainJob& train) {
  SCOPED_TRACE(name);
  const bool is_mobile =
      train.model() == "cifar-mobilenetv2" || train.model().rfind("cifar-shufflenet", 0) == 0;
  EXPECT_EQ(train.optimizer().kind(), v1::OPTIMIZER_KIND_SGD);
  EXPECT_EQ(train.optimizer().learning_rate(), is_mobile ? 0.01 : 0.05);
  EXPECT_EQ(train.optimizer().weight_decay(), 5e-4);
  EXPECT_EQ(train.optimizer().momentum(), 0.9);
  EXPECT_FALSE(train.optimizer().nesterov());
  EXPECT_TRUE(train.optimizer().decay_all());
  EXPECT_THAT(train.schedule().milestones(), ::testing::ElementsAre(150, 180, 210));
  EXPECT_EQ(train.schedule().step_factor(), 0.1);
  EXPECT_EQ(train.epochs(), 240);
  EXPECT_EQ(train.batch_size(), 64);
  EXPECT_EQ(train.patience(), 0);
  EXPECT_EQ(train.loss().label_smoothing(), 0);
  EXPECT_EQ(train.augmentation().crop_padding(), 4);
  EXPECT_EQ(train.augmentation().flip_probability(), 0.5);
  EXPECT_EQ(train.input().image_size(), 32);
  EXPECT_THAT(train.input().mean(), ::testing::ElementsAre(0.5071, 0.4867, 0.4408));
}

TEST_F(RecipesTest, EveryRecipeIsAcceptedByTheServersCheck) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(RecipeFolder())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());  // cifar100-later.yaml needs the teachers of -crd.yaml
  ASSERT_THAT(names, ::testing::IsSupersetOf(
                         {"cifar100-crd.yaml", "cifar100-later.yaml", "cub200-reference.yaml"}));
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    std::vector<v1::Job> jobs = Read(name);
    client::PrefixNames(name.substr(0, name.find('-')) + "-", jobs);
    if (name == "cifar100-later.yaml") {
      // Its teachers are of another file, whose names got the same prefix.
      for (v1::Job& job : jobs) {
        if (!job.train().has_distillation()) continue;
        std::string& teacher =
            *job.mutable_train()->mutable_distillation()->mutable_teachers(0)->mutable_job();
        teacher.insert(0, "cifar100-");
      }
    }
    EXPECT_FALSE(Accept(jobs).empty());
  }
}

TEST_F(RecipesTest, CrdsTableIsThereRowByRowWithItsPublishedSchedule) {
  const auto trained = Accept(Read("cifar100-crd.yaml"));
  const std::map<std::string, double> weights = {{"kd", 0.9},  {"fitnet", 100}, {"at", 1000},
                                                 {"sp", 3000}, {"rkd", 1},      {"pkt", 30000},
                                                 {"crd", 0.8}};

  EXPECT_EQ(trained.size(), 6 + 9 + PairsOfTheTable().size() * weights.size());
  for (const auto& [name, train] : trained) ExpectPublishedSchedule(name, train);
  for (const PublishedPair& pair : PairsOfTheTable()) {
    ASSERT_EQ(trained.count(pair.student), 1U);
    ASSERT_EQ(trained.count(pair.teacher), 1U);
    const int num_blocks = FindArchitecture(pair.student)->num_blocks();
    for (const auto& [method, weight] : weights) {
      const std::string name = pair.student + "-by-" + pair.teacher + "-" + method;
      SCOPED_TRACE(name);
      ASSERT_EQ(trained.count(name), 1U);
      const v1::TrainJob& train = trained.at(name);
      EXPECT_EQ(train.model(), pair.student);
      EXPECT_EQ(train.distillation().teachers(0).model(), pair.teacher);
      EXPECT_EQ(train.distillation().teachers(0).checkpoint(), v1::CHECKPOINT_KIND_LAST);
      EXPECT_EQ(train.task_weight(), method == "kd" ? 0.1 : 1.0);
      ASSERT_EQ(train.distillation().terms_size(), 1);
      const v1::DistillationTerm& term = train.distillation().terms(0);
      EXPECT_EQ(term.weight(), weight);
      if (method == "fitnet") {
        EXPECT_EQ(term.form(), v1::LOSS_FORM_REFERENCE);
      }
      const std::map<std::string, std::vector<int>> blocks = {
          {"at", num_blocks == 3 ? std::vector<int>{1, 2, 3} : std::vector<int>{1, 2, 3, 4}},
          {"sp", {num_blocks}},
          {"fitnet", {2}}};
      const auto of_method = blocks.find(method);
      const std::vector<int> expected =
          of_method == blocks.end() ? std::vector<int>() : of_method->second;
      EXPECT_THAT(term.blocks(), ::testing::ElementsAreArray(expected));
    }
  }
}

TEST_F(RecipesTest, LaterMethodsAreThereOnTheirSixPairs) {
  Accept(Read("cifar100-crd.yaml"));

  const auto trained = Accept(Read("cifar100-later.yaml"));

  EXPECT_EQ(trained.size(), 24U);
  for (const auto& [name, train] : trained) ExpectPublishedSchedule(name, train);
  const auto beta_of = [&](const std::string& name) {
    return trained.at(name).distillation().terms(0).dkd_beta();
  };
  EXPECT_EQ(beta_of("resnet8x4-by-resnet32x4-dkd-8"), 8);
  EXPECT_EQ(beta_of("wrn-40-1-by-wrn-40-2-dkd-6"), 6);
  EXPECT_EQ(beta_of("resnet20-by-resnet56-dkd-2"), 2);
  EXPECT_EQ(trained.at("vgg8-by-vgg13-dkd-6").distillation_warmup_epochs(), 20);
  EXPECT_EQ(trained.at("vgg8-by-vgg13-kd-ls-t3").distillation().terms(0).temperature(), 3);
}

TEST_F(RecipesTest, APairCanBeSubmittedByItself) {
  std::vector<v1::Job> jobs = Read("cifar100-crd.yaml");

  ASSERT_OK(client::SelectJobs({"resnet8x4*", "resnet32x4*"}, jobs));

  EXPECT_EQ(Accept(jobs).size(), 2 + 7U);
  EXPECT_EQ(jobs.size(), 2 * (2 + 7U));
}

}  // namespace
}  // namespace distill::server
