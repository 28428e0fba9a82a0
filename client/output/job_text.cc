#include "client/output/job_text.h"

#include <algorithm>
#include <vector>

#include "client/enum_text.h"
#include "client/output/printable_text.h"
#include "client/output/quantity_text.h"
#include "client/output/text_table.h"

namespace distill::client {
namespace {

constexpr int kShareRank = 5;  // of a ProgressPart
constexpr int kLastRank = 7;

std::string WithoutPrefix(const std::string& name, size_t prefix_length) {
  return name.size() > prefix_length ? name.substr(prefix_length) : name;
}

std::string Bar(double share, int width) {
  const int full = std::clamp(static_cast<int>(share * width), 0, width);
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(width - full), '-') + "]";
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

// A part of the progress line. Where the width is short, those of a high rank are left out.
struct ProgressPart {
  int rank = 0;
  std::string text;
};

void AddMetric(const v1::Job& job, int rank, const char* name, const char* label,
               std::vector<ProgressPart>& parts) {
  const auto found = job.latest_metrics().find(name);
  if (found == job.latest_metrics().end()) return;
  parts.push_back({rank, std::string(label) + " " + FixedText(found->second, 4)});
}

// Returns what is known, in the order in which it is shown.
std::vector<ProgressPart> PartsOf(const v1::Job& job, int64_t now_unix_ms) {
  const v1::Progress& progress = job.progress();
  std::vector<ProgressPart> parts;
  if (progress.num_epochs() > 0) parts.push_back({0, "epoch " + ProgressText(job)});
  if (progress.num_epochs() > 0 || progress.steps_per_epoch() > 0) {
    parts.push_back({kShareRank, FixedText(100 * ProgressShare(job), 0) + "%"});
  }
  AddMetric(job, 1, "val/accuracy", "val acc", parts);
  if (progress.eta_unix_ms() > now_unix_ms) {
    parts.push_back({2, "ETA " + AgeText(now_unix_ms, progress.eta_unix_ms())});
  }
  if (progress.images_per_second() > 0) {
    parts.push_back({3, FixedText(progress.images_per_second(), 0) + " images/s"});
  }
  AddMetric(job, 4, "train/loss", "train loss", parts);
  AddMetric(job, 6, "val/loss", "val loss", parts);
  const bool runs = job.state() == v1::JOB_STATE_RUNNING;
  if (runs && !progress.phase().empty() && progress.phase() != "train") {
    parts.push_back({7, "now: " + progress.phase()});
  }
  return parts;
}

// Returns the most important parts that fit into `width`, each after two blanks.
std::string RunningText(const v1::Job& job, int64_t now_unix_ms, size_t width) {
  constexpr int kBarWidth = 20;
  std::vector<ProgressPart> parts = PartsOf(job, now_unix_ms);
  size_t used = 0;
  std::vector<bool> fits(parts.size());
  for (int rank = 0; rank <= kLastRank; ++rank) {
    for (size_t index = 0; index < parts.size(); ++index) {
      const size_t size = parts[index].text.size() + 2;
      if (parts[index].rank != rank || used + size > width) continue;
      fits[index] = true;
      used += size;
    }
  }
  std::string text;
  for (size_t index = 0; index < parts.size(); ++index) {
    if (!fits[index]) continue;
    const bool has_bar = parts[index].rank == kShareRank && used + kBarWidth + 3 <= width;
    text += "  " + (has_bar ? Bar(ProgressShare(job), kBarWidth) + " " : "") + parts[index].text;
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
  const size_t used = DisplayWidth(line);
  line += RunningText(job, now_unix_ms, used < width ? width - used : 0);
  if (!job.message().empty() && job.state() != v1::JOB_STATE_RUNNING) {
    line += "  " + OneLine(job.message());
  }
  return Cut(line, width);
}

}  // namespace distill::client
