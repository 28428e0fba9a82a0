#include "tests/unit/client/report/sample_report.h"

#include <openssl/evp.h>

#include <cmath>
#include <limits>
#include <string_view>

namespace distill::client::testing {
namespace {

constexpr int kEpochs = 20;
constexpr int64_t kTime = 1'700'000'000'000;

void AddSeries(const std::string& name, double from, double to, JobReport& job) {
  v1::MetricSeries& series = job.series.emplace_back();
  series.set_name(name);
  for (int epoch = 1; epoch <= kEpochs; ++epoch) {
    v1::MetricPoint& point = *series.add_points();
    point.set_epoch(epoch);
    point.set_value(to + (from - to) * std::exp(-epoch / 5.0));
  }
}

v1::Evaluation SampleEvaluation(const std::string& text, int num_classes) {
  v1::Evaluation evaluation;
  evaluation.set_eval_job("9");
  evaluation.set_images(10 * num_classes);
  evaluation.mutable_pass()->set_split(v1::SPLIT_TEST);
  evaluation.set_checkpoint(v1::CHECKPOINT_KIND_BEST);
  evaluation.set_finished_at_unix_ms(kTime);
  auto& metrics = *evaluation.mutable_metrics();
  metrics["accuracy"] = 0.8125;
  metrics["mpa"] = 0.8;
  for (int truth = 0; truth < num_classes; ++truth) {
    v1::ClassFigures& figures = *evaluation.add_classes();
    figures.set_name("class " + std::to_string(truth) + text);
    figures.set_images(10);
    figures.set_f1(0.9 - 0.1 * (truth % 5));
    for (int predicted = 0; predicted < num_classes; ++predicted) {
      const bool is_next = predicted == (truth + 1) % num_classes;
      evaluation.add_confusion(predicted == truth ? 8 : is_next ? 2 : 0);
    }
  }
  return evaluation;
}

v1::WrongPredictions SampleWrong(const std::string& text) {
  v1::WrongPredictions wrong;
  wrong.set_num_wrong(70);
  (*wrong.mutable_facts())["libtorch"] = "1.13.1" + text;
  for (int index = 0; index < 6; ++index) {
    v1::WrongPrediction& one = *wrong.add_predictions();
    one.set_path("/data/birds/" + text + std::to_string(index) + ".jpg");
    one.set_true_class("class 0" + text);
    one.set_predicted_class("class 1" + text);
    one.set_predicted_score(0.98);
    one.set_true_score(0.01);
    if (index > 0) one.set_thumbnail(SampleJpeg());
  }
  return wrong;
}

JobReport SampleJob(const std::string& id, const std::string& name, const std::string& text) {
  const double worse = id == "1" ? 0 : 0.1;
  JobReport report;
  report.job.set_id(id);
  report.job.set_name(name + text);
  report.job.set_owner("ada" + text);
  report.job.set_message("done" + text);
  report.job.set_state(v1::JOB_STATE_SUCCEEDED);
  report.job.set_created_at_unix_ms(kTime);
  v1::TrainJob& train = *report.job.mutable_train();
  train.set_model("resnet18");
  train.set_dataset("birds");
  train.set_seed(42);
  AddSeries("train/loss", 2.3, 0.3 + worse, report);
  AddSeries("val/loss", 2.2, 0.6 + worse, report);
  AddSeries("val/accuracy", 0.1, 0.83 - worse, report);
  AddSeries("train/learning_rate", 1e-3, 1e-6, report);
  report.series[1].mutable_points(9)->set_value(std::numeric_limits<double>::quiet_NaN());
  report.dataset.emplace().set_manifest_sha256("feedbeef");
  report.dataset->add_class_names("class 0");
  v1::Artifact& best = report.artifacts.emplace_back();
  best.set_name("best.safetensors");
  best.set_sha256("cafe01");
  for (const v1::EventLevel level :
       {v1::EVENT_LEVEL_INFORMATION, v1::EVENT_LEVEL_WARNING, v1::EVENT_LEVEL_WARNING}) {
    v1::JobEvent& event = report.events.emplace_back();
    event.set_level(level);
    event.set_message((level == v1::EVENT_LEVEL_WARNING ? "hardly teaches" : "3 classes") + text);
  }
  return report;
}

}  // namespace

std::string SampleJpeg() {
  constexpr std::string_view kBase64 =
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1td"
      "hbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSk"
      "pKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAQABgDASIAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAMEBf/E"
      "ABcQAAMBAAAAAAAAAAAAAAAAAAACBGH/xAAWAQEBAQAAAAAAAAAAAAAAAAADAgX/xAAZEQACAwEAAAAAAAAAAAAAAAAA"
      "AwECBCH/2gAMAwEAAhEDEQA/AMlJ8HpPhck+D0nwuzgU6CJJ8A1EnwAJcalNHD//2Q==";
  std::string jpeg(kBase64.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(jpeg.data()),
                  reinterpret_cast<const unsigned char*>(kBase64.data()),
                  static_cast<int>(kBase64.size()));
  jpeg.resize(jpeg.size() - 2);  // the padding
  return jpeg;
}

Report SampleReport(const std::string& text) {
  Report report;
  report.server = "box:50551";
  report.server_info.set_version("1.2.3");
  report.client_version = "1.2.4";
  report.made_at_unix_ms = kTime;
  report.jobs.push_back(SampleJob("1", "teacher", text));
  JobReport& student = report.jobs.emplace_back(SampleJob("2", "student", text));
  auto& distillation = *student.job.mutable_train()->mutable_distillation();
  distillation.add_teachers()->set_job("teacher" + text);
  distillation.add_terms()->set_method(v1::DISTILLATION_METHOD_MGD);
  student.evaluations.push_back({SampleEvaluation(text, 5), SampleWrong(text)});
  student.evaluations.back().figures.set_model_job("2");
  student.evaluations.push_back({SampleEvaluation(text, 40), std::nullopt});
  student.evaluations.back().figures.mutable_pass()->set_split(v1::SPLIT_VAL);
  return report;
}

}  // namespace distill::client::testing
