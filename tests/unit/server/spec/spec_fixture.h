#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "distill/worker/v1/worker.pb.h"
#include "server/spec/job_resolver.h"
#include "server/store/sqlite_job_store.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {

/// A store in memory with the data set "birds" (two classes, all splits) that jobs can be resolved
/// against, and weights folders.
class SpecFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    SqliteJobStoreOptions options;
    options.state_directory = ":memory:";
    store_ = std::move(OpenSqliteJobStore(options, SystemClock())).value();
    AddDataset("birds", 2, {v1::SPLIT_TRAIN, v1::SPLIT_VAL, v1::SPLIT_TEST});
  }

  DatasetRecord AddDataset(const std::string& name, int num_classes,
                           const std::vector<v1::Split>& splits,
                           DatasetState state = DatasetState::kReady,
                           const std::string& stem = "class") {
    DatasetRecord dataset;
    dataset.name = name;
    dataset.id = store_->InsertDataset(dataset).value();
    worker::v1::ScanReport report;
    for (int i = 0; i < num_classes; ++i) report.add_class_names(stem + std::to_string(i));
    for (const v1::Split split : splits) {
      worker::v1::SplitCount& count = *report.add_splits();
      count.set_split(split);
      for (int i = 0; i < num_classes; ++i) count.add_images_per_class(4);
    }
    for (const double value : {0.5, 0.25, 0.125}) {
      report.add_mean(value);
      report.add_std(value / 2);
    }
    dataset.state = state;
    dataset.message = state == DatasetState::kFailed ? "no images" : "";
    dataset.report = report.SerializeAsString();
    EXPECT_OK(store_->UpdateDataset(dataset));
    return dataset;
  }

  std::filesystem::path WriteFile(const std::string& name) {
    const std::filesystem::path path = weights_.path() / name;
    std::ofstream(path) << "weights";
    return std::filesystem::canonical(path);
  }

  FileLocatorOptions LocatorOptions() const {
    return {{weights_.path()}, {weights_.path()}, weights_.path(), allows_torch_script_};
  }

  Resolution Resolve(const std::vector<v1::Job>& jobs) {
    const FileLocator files(LocatorOptions());
    return JobResolver(*store_, files).Resolve(jobs, {"ada"}, jobs.size() > 1).value();
  }

  std::vector<FieldViolation> Violations(const v1::Job& job) { return Resolve({job}).violations; }

  /// Stores `job`, which must be right, and returns its id.
  JobId Submit(const v1::Job& job) {
    const Resolution resolution = Resolve({job});
    EXPECT_TRUE(resolution.violations.empty());
    return store_->InsertJobs(resolution.specs, "", "", 1).value().front();
  }

  static v1::Job TrainJob(const std::string& name) {
    v1::Job job;
    job.set_name(name);
    job.mutable_train()->set_dataset("birds");
    job.mutable_train()->set_model("mobilenetv2");
    return job;
  }

  static v1::Job StudentOf(const std::string& teacher, const std::string& name) {
    v1::Job job = TrainJob(name);
    v1::Distillation& distillation = *job.mutable_train()->mutable_distillation();
    distillation.add_teachers()->set_job(teacher);
    distillation.add_terms()->set_method(v1::DISTILLATION_METHOD_SOFT_TARGET);
    return job;
  }

  static v1::Job EvalOf(const std::string& source, const std::string& name) {
    v1::Job job;
    job.set_name(name);
    job.mutable_eval()->set_job(source);
    return job;
  }

  static v1::Job StudentOfTorchScript(const std::string& file, const std::string& name) {
    v1::Job job = StudentOf("", name);
    v1::Teacher& teacher = *job.mutable_train()->mutable_distillation()->mutable_teachers(0);
    teacher.set_file(file);
    teacher.set_model("torchscript");
    return job;
  }

  testing::TempDir weights_;
  bool allows_torch_script_ = true;
  std::unique_ptr<JobStore> store_;
};

}  // namespace distill::server
