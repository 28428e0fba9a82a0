#include "server/spec/worker_run_preparer.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include "core/base/durable_file.h"
#include "tests/unit/server/spec/spec_fixture.h"

namespace distill::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::StatusIs;
namespace fs = std::filesystem;

class WorkerRunPreparerTest : public SpecFixture {
 protected:
  void SetUp() override {
    SpecFixture::SetUp();
    preparer_ = std::make_unique<WorkerRunPreparer>(
        WorkerRunPreparerOptions{state_.path(), /*worker_threads=*/3}, *store_);
    const DatasetRecord birds = store_->FindDataset("birds").value();
    Touch(preparer_->DatasetDirectory(birds.id) / "manifest.csv");
  }

  static void Touch(const fs::path& path) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }

  AttemptRecord StartAttempt(JobId id, const std::string& device = "cpu") {
    return store_->StartAttempt(id, {device}, 5).value();
  }

  Result<LaunchRequest> Prepare(JobId id, const AttemptRecord& attempt,
                                const std::vector<AttemptRecord>& earlier = {}) {
    return preparer_->PrepareJob(store_->FindJob(id).value(), attempt, earlier);
  }

  static worker::v1::WorkerSpec ReadSpec(const LaunchRequest& request) {
    worker::v1::WorkerSpec spec;
    const std::string json = ReadFile(request.run_directory / "spec.json").value();
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &spec).ok());
    return spec;
  }

  testing::TempDir state_;
  std::unique_ptr<WorkerRunPreparer> preparer_;
};

TEST_F(WorkerRunPreparerTest, WritesTheSpecOfATrainingJob) {
  const JobId id = Submit(TrainJob("plain"));

  const LaunchRequest request = Prepare(id, StartAttempt(id)).value();

  const worker::v1::WorkerSpec spec = ReadSpec(request);
  EXPECT_EQ(request.run_directory, state_.path() / "runs" / std::to_string(id) / "1");
  EXPECT_EQ(spec.job(), std::to_string(id));
  EXPECT_EQ(spec.device(), "cpu");
  EXPECT_EQ(spec.num_threads(), 3);
  EXPECT_EQ(spec.train().job().epochs(), 100);
  EXPECT_EQ(spec.train().dataset_manifest(), state_.path() / "datasets" / "1" / "manifest.csv");
  EXPECT_THAT(spec.train().dataset_mean(), ElementsAre(0.5, 0.25, 0.125));
  EXPECT_THAT(request.environment, Contains(Pair("CUDA_VISIBLE_DEVICES", "")));
  EXPECT_THAT(request.environment, Contains(Pair("OMP_NUM_THREADS", "3")));
}

TEST_F(WorkerRunPreparerTest, AFolderInWhichARunHasWrittenIsNotUsedAgain) {
  const JobId id = Submit(TrainJob("plain"));
  const AttemptRecord attempt = StartAttempt(id);
  const auto folder = state_.path() / "runs" / std::to_string(id) / "1";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "journal") << "another's";

  EXPECT_THAT(Prepare(id, attempt), HasCode(Code::kInternal));
}

TEST_F(WorkerRunPreparerTest, DevicesOfTheCpuShareItsThreads) {
  preparer_ = std::make_unique<WorkerRunPreparer>(
      WorkerRunPreparerOptions{state_.path(), /*worker_threads=*/9, /*cpu_devices=*/3}, *store_);
  const JobId one = Submit(TrainJob("one"));
  const JobId two = Submit(TrainJob("two"));

  const LaunchRequest on_one = Prepare(one, StartAttempt(one, "cpu:1")).value();
  const LaunchRequest on_two =
      Prepare(two, store_->StartAttempt(two, {"cpu", "cpu:2"}, 5).value()).value();

  EXPECT_EQ(ReadSpec(on_one).device(), "cpu");
  EXPECT_EQ(ReadSpec(on_one).num_threads(), 3);
  EXPECT_THAT(ReadSpec(on_one).other_devices(), IsEmpty());
  EXPECT_EQ(ReadSpec(on_two).device(), "cpu");
  EXPECT_EQ(ReadSpec(on_two).num_threads(), 6);
  EXPECT_THAT(ReadSpec(on_two).other_devices(), ElementsAre("cpu"));
  EXPECT_THAT(on_two.environment, Contains(Pair("OMP_NUM_THREADS", "3")))
      << "each device has a thread team of its own";
}

TEST_F(WorkerRunPreparerTest, SeveralGpusAreNamedInTheOrderThatTheWorkerSees) {
  const JobId id = Submit(TrainJob("wide"));

  const LaunchRequest request =
      Prepare(id, store_->StartAttempt(id, {"GPU-b", "GPU-a"}, 5).value()).value();

  EXPECT_EQ(ReadSpec(request).device(), "cuda:0");
  EXPECT_THAT(ReadSpec(request).other_devices(), ElementsAre("cuda:1"));
  EXPECT_THAT(request.environment, Contains(Pair("CUDA_VISIBLE_DEVICES", "GPU-b,GPU-a")));
}

TEST_F(WorkerRunPreparerTest, PinsAGpuByItsUuid) {
  const std::string uuid = "GPU-11111111-2222-3333-4444-555555555555";
  const JobId id = Submit(TrainJob("plain"));

  const LaunchRequest request = Prepare(id, StartAttempt(id, uuid)).value();

  EXPECT_EQ(ReadSpec(request).device(), "cuda:0");
  EXPECT_THAT(request.environment, Contains(Pair("CUDA_VISIBLE_DEVICES", uuid)));
}

TEST_F(WorkerRunPreparerTest, StudentGetsTheNewestModelThatItsTeacherWrote) {
  const JobId teacher = Submit(TrainJob("teacher"));
  StartAttempt(teacher);
  const JobId student = Submit(StudentOf("teacher", "student"));
  const AttemptRecord attempt = StartAttempt(student);

  EXPECT_THAT(Prepare(student, attempt),
              StatusIs(Code::kFailedPrecondition, HasSubstr("no best.safetensors")));
  const fs::path model = preparer_->RunDirectory(teacher, 1) / "best.safetensors";
  Touch(model);
  const auto resolved = ReadSpec(Prepare(student, attempt).value()).train().teachers(0);

  EXPECT_EQ(resolved.weights(), model);
  EXPECT_EQ(resolved.model(), "mobilenetv2");
  EXPECT_EQ(resolved.job(), std::to_string(teacher));
  EXPECT_THAT(resolved.mean(), ElementsAre(0.5, 0.25, 0.125));
}

TEST_F(WorkerRunPreparerTest, ATorchScriptTeacherIsRunOnlyWhileTheServerAllowsIt) {
  const fs::path file = WriteFile("vit.pt");
  const JobId student = Submit(StudentOfTorchScript("vit.pt", "student"));
  const AttemptRecord attempt = StartAttempt(student);
  EXPECT_THAT(Prepare(student, attempt),
              StatusIs(Code::kFailedPrecondition, HasSubstr("allow_torchscript")));

  WorkerRunPreparerOptions options{state_.path(), /*worker_threads=*/3};
  options.allows_torch_script = true;
  preparer_ = std::make_unique<WorkerRunPreparer>(options, *store_);
  const auto resolved = ReadSpec(Prepare(student, attempt).value()).train().teachers(0);

  EXPECT_EQ(resolved.weights(), file);
  EXPECT_EQ(resolved.model(), "torchscript");
  EXPECT_EQ(resolved.image_size(), 224);
  EXPECT_THAT(resolved.mean(), ElementsAre(0.485, 0.456, 0.406));
}

TEST_F(WorkerRunPreparerTest, TeacherOfTheSameBatchIsFoundByItsName) {
  const Resolution batch = Resolve({TrainJob("teacher"), StudentOf("teacher", "student")});
  const std::vector<JobId> ids = store_->InsertJobs(batch.specs, "", "", 1).value();
  StartAttempt(ids[0]);
  Touch(preparer_->RunDirectory(ids[0], 1) / "best.safetensors");

  const LaunchRequest request = Prepare(ids[1], StartAttempt(ids[1])).value();

  EXPECT_EQ(ReadSpec(request).train().teachers(0).job(), std::to_string(ids[0]));
}

TEST_F(WorkerRunPreparerTest, ResumesFromTheNewestCheckpointsFirst) {
  const JobId id = Submit(TrainJob("plain"));
  AttemptRecord first;
  first.job = id;
  first.number = 1;
  AttemptRecord second = first;
  second.number = 2;
  AttemptRecord third = first;
  third.number = 3;
  third.devices = {"cpu"};
  Touch(preparer_->RunDirectory(id, 1) / "last.ckpt");
  Touch(preparer_->RunDirectory(id, 2) / "last.ckpt");
  Touch(preparer_->RunDirectory(id, 2) / "last-1.ckpt");

  const LaunchRequest request = Prepare(id, third, {first, second}).value();

  EXPECT_THAT(ReadSpec(request).train().resume_from(),
              ElementsAre(preparer_->RunDirectory(id, 2) / "last.ckpt",
                          preparer_->RunDirectory(id, 2) / "last-1.ckpt",
                          preparer_->RunDirectory(id, 1) / "last.ckpt"));
}

TEST_F(WorkerRunPreparerTest, WritesTheSpecOfAnEvaluationAndAScan) {
  const JobId trained = Submit(TrainJob("trained"));
  StartAttempt(trained);
  Touch(preparer_->RunDirectory(trained, 1) / "best.safetensors");
  const JobId id = Submit(EvalOf("trained", "evaluation"));
  DatasetRecord dataset;
  dataset.id = 9;
  dataset.path = "/data/fish";
  dataset.val_fraction = 0.1;

  const auto eval = ReadSpec(Prepare(id, StartAttempt(id)).value()).eval();
  const LaunchRequest scan = preparer_->PrepareScan(dataset).value();

  EXPECT_EQ(eval.weights(), preparer_->RunDirectory(trained, 1) / "best.safetensors");
  EXPECT_EQ(eval.model_job(), std::to_string(trained));
  EXPECT_EQ(eval.image_size(), 224);
  EXPECT_EQ(ReadSpec(scan).scan().path(), "/data/fish");
  EXPECT_EQ(ReadSpec(scan).scan().manifest(), state_.path() / "datasets" / "9" / "manifest.csv");
  EXPECT_EQ(scan.key.kind, RunKey::Kind::kDatasetScan);
}

// Weights that were checked at the submit are replaced while the job waits.
class ReplacedWeightsTest : public WorkerRunPreparerTest {
 protected:
  void SetUp() override {
    WorkerRunPreparerTest::SetUp();
    WorkerRunPreparerOptions options{state_.path(), /*worker_threads=*/3};
    options.dataset_roots = {"/data"};
    options.weights_roots = {weights_.path()};
    options.pretrained_directory = pretrained_.path();
    options.allows_torch_script = true;
    preparer_ = std::make_unique<WorkerRunPreparer>(options, *store_);
    Touch(secret());
  }

  fs::path secret() const { return state_.path() / "runs" / "1" / "1" / "last.safetensors"; }

  static void Replace(const fs::path& file, const fs::path& target) {
    fs::remove(file);
    fs::create_symlink(target, file);
  }

  void ExpectRefusedOnceItLeadsOutside(const v1::Job& job, const fs::path& file) {
    const JobId id = Submit(job);
    const AttemptRecord attempt = StartAttempt(id);
    ASSERT_OK(Prepare(id, attempt));
    fs::copy_file(file, weights_.path() / "inside");
    Replace(file, weights_.path() / "inside");
    EXPECT_OK(Prepare(id, attempt));
    Replace(file, secret());
    EXPECT_THAT(Prepare(id, attempt),
                StatusIs(Code::kFailedPrecondition, HasSubstr("not what it was at the submit")));
    fs::remove(file);
    EXPECT_THAT(Prepare(id, attempt),
                StatusIs(Code::kFailedPrecondition, HasSubstr("no longer there")));
    fs::remove(weights_.path() / "inside");
  }

  testing::TempDir pretrained_;
};

TEST_F(ReplacedWeightsTest, ALinkOutOfTheRootsStartsNoTraining) {
  v1::Job job = TrainJob("tuned");
  job.mutable_train()->mutable_initial_weights()->set_file("start.pth");
  ExpectRefusedOnceItLeadsOutside(job, WriteFile("start.pth"));
}

TEST_F(ReplacedWeightsTest, ALinkOutOfTheRootsIsNoTeacher) {
  const fs::path file = WriteFile("vit.pt");
  ExpectRefusedOnceItLeadsOutside(StudentOfTorchScript("vit.pt", "student"), file);
}

TEST_F(ReplacedWeightsTest, TheWorkerIsToldTheRoots) {
  const JobId id = Submit(TrainJob("plain"));

  const worker::v1::WorkerSpec spec = ReadSpec(Prepare(id, StartAttempt(id)).value());

  EXPECT_THAT(spec.dataset_roots(), ElementsAre("/data"));
  EXPECT_THAT(spec.weights_roots(),
              ElementsAre(weights_.path().string(), pretrained_.path().string()));
}

TEST_F(ReplacedWeightsTest, PublishedWeightsMayBeALinkOfTheAdministrator) {
  const testing::TempDir store;
  Touch(store.path() / "real.pth");
  const Architecture model = FindArchitecture("mobilenetv2").value();
  const fs::path link = weights_.path() / model.pretrained_file;
  fs::create_symlink(store.path() / "real.pth", link);
  WorkerRunPreparerOptions options{state_.path(), /*worker_threads=*/3};
  options.weights_roots = {pretrained_.path()};
  options.pretrained_directory = weights_.path();  // where SpecFixture has them too
  preparer_ = std::make_unique<WorkerRunPreparer>(options, *store_);
  v1::Job job = TrainJob("tuned");
  job.mutable_train()->mutable_initial_weights()->set_pretrained(true);
  const JobId id = Submit(job);
  const AttemptRecord attempt = StartAttempt(id);

  EXPECT_OK(Prepare(id, attempt));
  fs::remove(link);
  EXPECT_THAT(Prepare(id, attempt),
              StatusIs(Code::kFailedPrecondition, HasSubstr("leads outside")));
}

TEST_F(WorkerRunPreparerTest, AnEvaluationLacksTeachersThatAreGoneUnlessTheyWereAskedFor) {
  const JobId teacher = Submit(TrainJob("teacher"));
  const JobId student = Submit(StudentOf("teacher", "student"));
  for (const JobId trained : {teacher, student}) {
    StartAttempt(trained);
    Touch(preparer_->RunDirectory(trained, 1) / "best.safetensors");
  }
  const JobId by_default = Submit(EvalOf("student", "by-default"));
  v1::Job asked = EvalOf("student", "asked");
  asked.mutable_eval()->add_teachers()->set_job("teacher");
  const JobId by_name = Submit(asked);

  auto eval = ReadSpec(Prepare(by_default, StartAttempt(by_default)).value()).eval();
  EXPECT_EQ(eval.teachers_size(), 1);
  EXPECT_TRUE(eval.teachers_are_default());
  eval = ReadSpec(Prepare(by_name, StartAttempt(by_name)).value()).eval();
  EXPECT_EQ(eval.teachers_size(), 1);
  EXPECT_FALSE(eval.teachers_are_default());
  fs::remove(preparer_->RunDirectory(teacher, 1) / "best.safetensors");

  AttemptRecord second;
  second.number = 2;
  second.devices = {"cpu"};
  eval = ReadSpec(Prepare(by_default, second).value()).eval();
  EXPECT_EQ(eval.teachers_size(), 0);
  EXPECT_THAT(Prepare(by_name, second),
              StatusIs(Code::kFailedPrecondition, HasSubstr("best.safetensors")));
}

}  // namespace
}  // namespace distill::server
