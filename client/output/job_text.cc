#include "client/output/job_text.h"

#include <algorithm>
#include <chrono>

#include "client/enum_text.h"
#include "client/output/quantity_text.h"
#include "client/output/text_table.h"

namespace distill::client {
namespace {

std::string WithoutPrefix(const std::string& name, size_t prefix_length) {
  return name.size() > prefix_length ? name.substr(prefix_length) : name;
}

std::string Bar(double share, int width) {
  const int full = std::clamp(static_cast<int>(share * width), 0, width);
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(width - full), '-') + "]";
}

// Appends "label value" when the job has the metric.
void AppendMetric(const v1::Job& job, const char* name, const char* label, std::string& line) {
  const auto found = job.latest_metrics().find(name);
  if (found == job.latest_metrics().end()) return;
  line += std::string("  ") + label + " " + FixedText(found->second, 4);
}

std::string Cut(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  std::string cut;
  size_t characters = 0;
  for (const char c : text) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (starts_character && ++characters > width) break;
    cut += c;
  }
  return cut;
}

std::string RunningText(const v1::Job& job, int64_t now_unix_ms) {
  const v1::Progress& progress = job.progress();
  std::string text;
  if (progress.num_epochs() > 0) text += "  epoch " + ProgressText(job);
  if (progress.num_epochs() > 0 || progress.steps_per_epoch() > 0) {
    constexpr int kBarWidth = 20;
    text += "  " + Bar(ProgressShare(job), kBarWidth) + " " +
            FixedText(100 * ProgressShare(job), 0) + "%";
  }
  if (!progress.phase().empty() && progress.phase() != "train") text += "  " + progress.phase();
  AppendMetric(job, "train/loss", "loss", text);
  AppendMetric(job, "val/accuracy", "val acc", text);
  if (progress.images_per_second() > 0) {
    text += "  " + FixedText(progress.images_per_second(), 0) + " images/s";
  }
  if (progress.eta_unix_ms() > now_unix_ms) {
    text += "  ETA " + AgeText(now_unix_ms, progress.eta_unix_ms());
  }
  return text;
}

}  // namespace

std::string StateText(v1::JobState state) {
  return WithoutPrefix(v1::JobState_Name(state), sizeof("JOB_STATE_") - 1);
}

std::string StalledText(int64_t since_unix_ms, int64_t now_unix_ms) {
  return since_unix_ms == 0 ? "" : " (stalled " + AgeText(since_unix_ms, now_unix_ms) + ")";
}

std::string CauseText(v1::Cause cause) {
  if (cause == v1::CAUSE_UNSPECIFIED) return "";
  return WithoutPrefix(v1::Cause_Name(cause), sizeof("CAUSE_") - 1);
}

const v1::TrainJob& TrainSpec(const v1::Job& job) {
  return job.has_resolved_train() ? job.resolved_train() : job.train();
}

const v1::EvalJob& EvalSpec(const v1::Job& job) {
  return job.has_resolved_eval() ? job.resolved_eval() : job.eval();
}

std::string DevicesText(const google::protobuf::RepeatedPtrField<std::string>& devices) {
  constexpr size_t kShort = 12;  // of a UUID, with "GPU-"
  std::string text;
  for (const std::string& device : devices) {
    text += (text.empty() ? "" : ",") + device.substr(0, kShort);
  }
  return text.empty() ? "-" : text;
}

std::string DevicesText(const v1::Job& job) {
  const bool waits = job.state() == v1::JOB_STATE_QUEUED || job.state() == v1::JOB_STATE_PAUSED;
  if (waits && job.resources().devices() > 1) {
    return std::to_string(job.resources().devices()) + " wanted";
  }
  return waits ? "-" : DevicesText(job.devices());
}

std::string SummaryText(const v1::Job& job) {
  if (job.has_train()) {
    const std::string method = MethodText(job.train());
    return "train " + job.train().model() + (method.empty() ? "" : " " + method);
  }
  if (job.has_eval()) {
    return "eval " + (job.eval().has_file() ? job.eval().file() : job.eval().job());
  }
  return "-";
}

std::string MethodText(const v1::TrainJob& job) {
  std::string text;
  for (const auto& term : job.distillation().terms()) {
    if (!text.empty()) text += "+";
    text += EnumText(*v1::DistillationMethod_descriptor(), term.method());
  }
  if (job.has_ema()) text += text.empty() ? "ema" : ", ema";
  if (job.has_rdrop()) text += text.empty() ? "rdrop" : ", rdrop";
  return text;
}

std::string TeacherOf(const v1::TrainJob& job) {
  if (job.distillation().teachers().empty()) return "";
  const v1::Teacher& teacher = job.distillation().teachers(0);
  return teacher.has_job() ? teacher.job() : teacher.file();
}

std::string ProgressText(const v1::Job& job) {
  const v1::Progress& progress = job.progress();
  if (progress.num_epochs() > 0) {
    return std::to_string(progress.epoch()) + "/" + std::to_string(progress.num_epochs());
  }
  if (progress.steps_per_epoch() > 0) return FixedText(100 * ProgressShare(job), 0) + "%";
  return "-";
}

double ProgressShare(const v1::Job& job) {
  const v1::Progress& progress = job.progress();
  const double in_epoch =
      progress.steps_per_epoch() > 0
          ? static_cast<double>(progress.step()) / static_cast<double>(progress.steps_per_epoch())
          : 0;
  if (progress.num_epochs() <= 0) return std::clamp(in_epoch, 0.0, 1.0);
  return std::clamp((progress.epoch() + in_epoch) / progress.num_epochs(), 0.0, 1.0);
}

std::string ProgressLine(const v1::Job& job, int64_t now_unix_ms, size_t width) {
  std::string line = job.name() + "  " + StateText(job.state());
  if (job.cause() != v1::CAUSE_UNSPECIFIED) line += " " + CauseText(job.cause());
  line += RunningText(job, now_unix_ms);
  if (!job.message().empty() && job.state() != v1::JOB_STATE_RUNNING) line += "  " + job.message();
  return Cut(line, width);
}

}  // namespace distill::client
