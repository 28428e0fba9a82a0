#include "core/worker/journal_writer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/log.h"
#include "core/base/plain_text.h"
#include "core/base/sha256.h"
#include "core/base/version.h"
#include "core/device/device.h"
#include "core/worker/outcome.h"

namespace distill::core {
namespace {

using worker::v1::RunEvent;

void SetMetrics(const Metrics& metrics, google::protobuf::Map<std::string, double>& out) {
  for (const auto& [name, value] : metrics) out[name] = value;
}

// Makes every text in `message` UTF-8, which alone can be read back: the names of files and classes
// are whatever bytes a disk holds.
void MendTexts(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_text && !is_message) continue;
    if (!field->is_repeated()) {
      if (is_message) {
        MendTexts(*reflection.MutableMessage(&message, field));
      } else {
        reflection.SetString(&message, field, Utf8OrEscaped(reflection.GetString(message, field)));
      }
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (is_message) {
        MendTexts(*reflection.MutableRepeatedMessage(&message, field, i));
      } else {
        reflection.SetRepeatedString(
            &message, field, i, Utf8OrEscaped(reflection.GetRepeatedString(message, field, i)));
      }
    }
  }
}

}  // namespace

Result<JournalWriter> JournalWriter::Open(const Options& options, const Clock& clock) {
  DISTILL_ASSIGN_OR_RETURN(JournalAppender appender,
                           JournalAppender::Open(options.run_directory / "journal"));
  return JournalWriter(options, clock, std::move(appender));
}

void JournalWriter::Write(RunEvent event, bool is_durable) {
  event.set_sequence(next_sequence_++);
  event.set_at_unix_ms(clock_->UnixMillis());
  MendTexts(event);
  Status status = appender_.Append(event.SerializeAsString());
  if (status.ok() && is_durable) status = appender_.Sync();
  if (status.ok() || !status_.ok()) return;
  LogError("journal cannot be written", {{"error", status.ToString()}});
  if (is_durable) status_ = status;
}

void JournalWriter::OnStart(const StartReport& report) {
  RunEvent event;
  auto& started = *event.mutable_started();
  started.set_pid(::getpid());
  started.set_version(std::string(kVersion));
  started.set_resumed_from_epoch(report.resumed_from_epoch);
  started.set_num_epochs(report.num_epochs);
  started.set_steps_per_epoch(report.steps_per_epoch);
  started.set_device_name(report.device_name);
  started.set_libtorch_version(LibTorchVersion());
  LogInfo("run started", {{"epochs", report.num_epochs},
                          {"steps_per_epoch", report.steps_per_epoch},
                          {"resumed_from_epoch", report.resumed_from_epoch},
                          {"device", report.device_name},
                          {"libtorch", LibTorchVersion()}});
  Write(std::move(event), /*is_durable=*/true);
}

void JournalWriter::OnStep(const StepReport& report) {
  RunEvent event;
  auto& step = *event.mutable_step();
  step.set_epoch(report.epoch);
  step.set_step(report.step);
  step.set_steps_per_epoch(report.steps_per_epoch);
  step.set_images_per_second(report.images_per_second);
  step.set_phase(report.phase);
  SetMetrics(report.metrics, *step.mutable_metrics());
  Write(std::move(event), /*is_durable=*/false);
}

void JournalWriter::OnEpoch(const EpochReport& report) {
  RunEvent event;
  auto& epoch = *event.mutable_epoch();
  epoch.set_epoch(report.epoch);
  epoch.set_step(report.step);
  epoch.set_is_best(report.is_best);
  epoch.set_images_per_second(report.images_per_second);
  SetMetrics(report.metrics, *epoch.mutable_metrics());
  std::string text;
  for (const auto& [name, value] : report.metrics) {
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(value);
  }
  LogInfo("epoch done",
          {{"epoch", report.epoch}, {"best", report.is_best ? "yes" : "no"}, {"metrics", text}});
  Write(std::move(event), /*is_durable=*/true);
}

void JournalWriter::OnArtifact(const ArtifactReport& report) {
  std::error_code error;
  const auto size = std::filesystem::file_size(report.path, error);
  const Result<std::string> hash = Sha256HexOfFile(report.path);
  if (error || !hash.ok()) {
    LogError("artifact cannot be read back", {{"path", report.path.string()}});
    return;
  }
  RunEvent event;
  event.mutable_artifact()->set_epoch(report.epoch);
  auto& artifact = *event.mutable_artifact()->mutable_artifact();
  artifact.set_name(report.path.lexically_relative(options_.run_directory).string());
  artifact.set_attempt(options_.attempt);
  artifact.set_size_bytes(static_cast<int64_t>(size));
  artifact.set_sha256(*hash);
  artifact.set_kind(report.kind);
  artifact.set_created_at_unix_ms(clock_->UnixMillis());
  Write(std::move(event), /*is_durable=*/true);
}

void JournalWriter::OnNotice(NoticeLevel level, const std::string& message) {
  const bool is_warning = level == NoticeLevel::kWarning;
  Log(is_warning ? LogLevel::kWarning : LogLevel::kInfo, "notice", {{"message", message}});
  RunEvent event;
  event.mutable_notice()->set_level(is_warning ? worker::v1::NOTICE_LEVEL_WARNING
                                               : worker::v1::NOTICE_LEVEL_INFORMATION);
  event.mutable_notice()->set_message(message);
  Write(std::move(event), /*is_durable=*/true);
}

void JournalWriter::WriteEvaluation(const v1::Evaluation& evaluation) {
  RunEvent event;
  *event.mutable_evaluation() = evaluation;
  Write(std::move(event), /*is_durable=*/true);
}

void JournalWriter::WriteScanProgress(int64_t files_scanned, int64_t files_total) {
  RunEvent event;
  event.mutable_scan_progress()->set_files_scanned(files_scanned);
  event.mutable_scan_progress()->set_files_total(files_total);
  Write(std::move(event), /*is_durable=*/false);
}

void JournalWriter::WriteScanReport(const worker::v1::ScanReport& report) {
  RunEvent event;
  *event.mutable_scan_report() = report;
  Write(std::move(event), /*is_durable=*/true);
}

Status JournalWriter::WriteOutcome(const worker::v1::Outcome& outcome) {
  RunEvent event;
  *event.mutable_outcome() = outcome;
  if (!status_.ok() && outcome.state() == v1::JOB_STATE_SUCCEEDED) {
    *event.mutable_outcome() = OutcomeOf(
        {Code::kAborted, "the run came to its end, but not all of its results could be stored: " +
                             status_.message()});
  }
  Write(std::move(event), /*is_durable=*/true);
  return status_;
}

}  // namespace distill::core
