#include <filesystem>

#include "client/artifact_download.h"
#include "client/command/commands.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

// Returns the artifact to fetch into `file`: the best model, in PyTorch's form when the file's
// extension says so.
Result<std::string> ArtifactFor(const CommandContext& context, const std::string& job,
                                const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  if (extension != ".pth" && extension != ".pt") return std::string();
  DISTILL_ASSIGN_OR_RETURN(const v1::ListArtifactsResponse response,
                           context.client().ListArtifacts(job));
  for (const v1::Artifact& artifact : response.artifacts()) {
    if (artifact.name() == "best.pth" || artifact.name() == "best.pt") return artifact.name();
  }
  return Status(Code::kNotFound,
                "the job has no model of this form; fetch a .safetensors file: " + file.string());
}

// Redraws one line on a terminal; says nothing elsewhere.
void ShowProgress(const CommandContext& context, int64_t done, int64_t size) {
  if (!context.environment().err_is_terminal || size <= 0) return;
  context.err() << "\r\x1b[2K" << BytesText(done) << " of " << BytesText(size)
                << (done == size ? "\n" : "") << std::flush;
}

}  // namespace

ExitCode GetModel(const CommandContext& context, const GetModelOptions& options) {
  const auto job = context.client().GetJob(options.job);
  if (!job.ok()) return context.Fail(job.status());
  ArtifactDownload download;
  download.job = job->id();
  download.file = options.file.empty() ? job->name() + ".safetensors" : options.file;
  download.artifact = options.artifact;
  if (options.artifact.empty()) {
    const auto artifact = ArtifactFor(context, download.job, download.file);
    if (!artifact.ok()) return context.Fail(artifact.status());
    download.artifact = *artifact;
  }
  download.limits = context.Limits();
  download.on_progress = [&](int64_t done, int64_t size) { ShowProgress(context, done, size); };
  const auto fetched = DownloadToFile(context.client(), download);
  if (!fetched.ok()) return context.Fail(fetched.status());
  if (context.is_json()) {
    context.out() << ToJson(*fetched);
  } else {
    context.out() << download.file.string() << "  " << BytesText(fetched->size_bytes())
                  << "  sha256 " << fetched->sha256() << '\n';
  }
  return ExitCode::kOk;
}

ExitCode Artifacts(const CommandContext& context, const std::string& job) {
  const auto response = context.client().ListArtifacts(job);
  if (!response.ok()) return context.Fail(response.status());
  if (context.is_json()) {
    context.out() << ToJson(*response);
    return ExitCode::kOk;
  }
  TextTable table({{"NAME"},
                   {"KIND"},
                   {"ATTEMPT", Align::kRight},
                   {"SIZE", Align::kRight},
                   {"CREATED"},
                   {"SHA256"}});
  for (const v1::Artifact& artifact : response->artifacts()) {
    table.AddRow({artifact.name(), artifact.kind(), std::to_string(artifact.attempt()),
                  BytesText(artifact.size_bytes()), TimeText(artifact.created_at_unix_ms()),
                  artifact.sha256()});
  }
  table.Print(context.out());
  return ExitCode::kOk;
}

}  // namespace distill::client
