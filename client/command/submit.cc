#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "client/command/commands.h"
#include "client/job_file.h"
#include "client/job_settings.h"
#include "client/output/job_text.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "client/request_id.h"
#include "core/base/durable_file.h"

namespace distill::client {
namespace {

std::string RequestId(const SubmitOptions& options) {
  return options.request_id.empty() ? MakeRequestId() : options.request_id;
}

// Tells what a job like it used of a GPU, which is what to declare next time.
void NoteMemory(const CommandContext& context, const v1::Job& job) {
  if (!job.has_last_memory_peak()) return;
  const int64_t declared = job.resources().gpu_memory_bytes();
  const int64_t peak = job.last_memory_peak().bytes();
  const std::string& last = job.last_memory_peak().job();
  std::string note = "GPU memory: last time " + BytesText(peak) + " (" +
                     (last.empty() ? kStrangersJob : "job " + last) + ")";
  if (declared > 0) note += " of " + BytesText(declared) + " declared";
  if (declared > 0 && declared < peak) note += "; that may be too little";
  context.Note(note);
}

void PrintSubmitted(const CommandContext& context, const v1::Job& job,
                    const SubmitOptions& options) {
  if (options.quiet) {
    context.out() << job.id() << '\n';
    return;
  }
  context.out() << (options.dry_run ? "would submit " : "submitted ") << job.name();
  if (!job.id().empty()) context.out() << " (id " << job.id() << ")";
  context.out() << ": " << SummaryText(job) << '\n';
  NoteMemory(context, job);
}

bool Waits(const SubmitOptions& options) {
  return !options.dry_run && (options.wait || options.follow);
}

ExitCode AfterSubmit(const CommandContext& context, const std::vector<std::string>& ids,
                     const SubmitOptions& options) {
  context.out().flush();
  if (!Waits(options)) return ExitCode::kOk;
  return AwaitJobs(context, ids, {options.follow, options.quiet});
}

ExitCode SubmitSingle(const CommandContext& context, v1::Job job, const SubmitOptions& options) {
  v1::CreateJobRequest request;
  *request.mutable_job() = std::move(job);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.dry_run);
  const auto created = context.client().CreateJob(request);
  if (!created.ok()) return context.Fail(created.status());
  if (!context.is_json()) {
    PrintSubmitted(context, *created, options);
  } else if (!Waits(options)) {  // else there is one document, at the end
    context.out() << ToJson(*created);
  }
  return AfterSubmit(context, {created->id()}, options);
}

ExitCode SubmitBatch(const CommandContext& context, std::vector<v1::Job> jobs,
                     const SubmitOptions& options) {
  v1::BatchCreateJobsRequest request;
  for (v1::Job& job : jobs) *request.add_jobs() = std::move(job);
  request.set_request_id(RequestId(options));
  request.set_validate_only(options.dry_run);
  const auto created = context.client().BatchCreateJobs(request);
  if (!created.ok()) return context.Fail(created.status());
  if (context.is_json() && !Waits(options)) context.out() << ToJson(*created);
  std::vector<std::string> ids;
  for (const v1::Job& job : created->jobs()) {
    if (!context.is_json()) PrintSubmitted(context, job, options);
    ids.push_back(job.id());
  }
  return AfterSubmit(context, ids, options);
}

// A grid without a name is called after its request, so that a retry gives the same names.
ExitCode SubmitGrid(const CommandContext& context, const v1::Job& job, SubmitOptions options) {
  constexpr size_t kDigits = 8;
  options.request_id = RequestId(options);
  const std::string stem =
      job.name().empty() ? "grid-" + options.request_id.substr(0, kDigits) : job.name();
  auto jobs = ExpandGrid(job, stem, options.grid);
  if (!jobs.ok()) return context.FailWith(ExitCode::kUsage, jobs.status().message());
  return SubmitBatch(context, std::move(jobs).value(), options);
}

ExitCode SubmitOne(const CommandContext& context, v1::Job job, const SubmitOptions& options) {
  if (options.grid.empty()) return SubmitSingle(context, std::move(job), options);
  return SubmitGrid(context, job, options);
}

// Blocks on disk, or on standard input. Any error is this machine's.
Result<std::string> ReadInput(const CommandContext& context, const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << context.environment().in.rdbuf();
    return text.str();
  }
  const auto fault = [&](int error_number) {
    return AsLocalFault(ErrnoStatus("cannot read the job file " + file, error_number));
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return fault(EISDIR);
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fault(errno);
  if (stream.peek() == std::ifstream::traits_type::eof()) return std::string();
  if (!(text << stream.rdbuf())) return fault(errno == 0 ? EIO : errno);
  return text.str();
}

Result<std::vector<v1::Job>> ReadJobs(const std::string& text, const std::string& file) {
  const std::string name = file == "-" ? "(standard input)" : file;
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Status(Code::kInvalidArgument, "the job file is empty: " + name);
  }
  return ParseJobFile(text, name);
}

}  // namespace

ExitCode Train(const CommandContext& context, const TrainFlags& flags,
               const SubmitOptions& options) {
  const Status axes = CheckAxes(options.grid, flags.settings);
  if (!axes.ok()) return context.FailWith(ExitCode::kUsage, axes.message());
  auto job = BuildTrainJob(flags);
  if (!job.ok()) return context.Fail(job.status());
  return SubmitOne(context, std::move(job).value(), options);
}

ExitCode Eval(const CommandContext& context, const EvalFlags& flags, const SubmitOptions& options) {
  const Status axes = CheckAxes(options.grid, flags.settings);
  if (!axes.ok()) return context.FailWith(ExitCode::kUsage, axes.message());
  auto job = BuildEvalJob(flags);
  if (!job.ok()) return context.Fail(job.status());
  return SubmitOne(context, std::move(job).value(), options);
}

ExitCode SubmitFile(const CommandContext& context, const SubmitFileOptions& options) {
  const auto text = ReadInput(context, options.file);
  if (!text.ok()) return context.Fail(text.status());
  auto jobs = ReadJobs(*text, options.file);
  if (!jobs.ok()) return context.FailWith(ExitCode::kUsage, jobs.status().message());
  Status status = options.only.empty() ? Status() : SelectJobs(options.only, *jobs);
  if (status.ok()) status = ApplySettings(options.settings, *jobs);
  if (!status.ok()) return context.FailWith(ExitCode::kUsage, status.message());
  if (!options.prefix.empty()) PrefixNames(options.prefix, *jobs);
  return SubmitBatch(context, std::move(jobs).value(), options.submit);
}

}  // namespace distill::client
