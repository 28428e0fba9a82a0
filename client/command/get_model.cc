#include <filesystem>

#include "client/artifact_download.h"
#include "client/command/commands.h"
#include "client/output/message_json.h"
#include "client/output/quantity_text.h"
#include "core/base/durable_file.h"
#include "core/base/plain_text.h"
#include "core/base/sha256.h"

namespace distill::client {
namespace {

using Align = TextTable::Align;

// Redraws one line on a terminal; says nothing elsewhere.
void ShowProgress(const CommandContext& context, int64_t done, int64_t size) {
  if (!context.environment().err_is_terminal || size <= 0) return;
  context.err() << TerminalOrder{"\r\x1b[2K"} << BytesText(done) << " of " << BytesText(size)
                << (done == size ? "\n" : "") << std::flush;
}

// Returns the form to write: as the flag says, else as the file's extension does, else the
// worker's.
ModelFormat FormatOf(const GetModelOptions& options) {
  if (options.format) return *options.format;
  return FormatOfExtension(options.file).value_or(ModelFormat::kSafetensors);
}

// Returns the ONNX graph of the job's network; empty for other forms.
Result<std::string> GraphFor(const CommandContext& context, const std::string& job,
                             ModelFormat format) {
  if (format != ModelFormat::kOnnx) return std::string();
  constexpr int64_t kMaxGraphBytes = int64_t{64} << 20;
  Result<std::string> graph = DownloadToMemory(
      context.client(), {job, kOnnxGraphArtifact, kMaxGraphBytes}, context.Limits());
  if (graph.status().code() != Code::kNotFound) return graph;
  return Status(Code::kNotFound,
                "the job has no ONNX graph (artifact " + std::string(kOnnxGraphArtifact) +
                    "): its model has no ONNX form, or an older version trained it; --format "
                    "safetensors and pth work all the same");
}

// Fetches the weights beside `file`, writes them to it in another form, and removes them.
Result<v1::Artifact> FetchAs(const CommandContext& context, ArtifactDownload download,
                             ModelFormat format) {
  const std::filesystem::path file = download.file;
  DISTILL_ASSIGN_OR_RETURN(const std::string graph, GraphFor(context, download.job, format));
  download.file += ".weights";
  DISTILL_ASSIGN_OR_RETURN(const v1::Artifact weights, DownloadToFile(context.client(), download));
  Result<std::string> bytes = ReadFile(download.file, uint64_t{1} << 34U);
  std::error_code ignored;
  std::filesystem::remove(download.file, ignored);
  DISTILL_RETURN_IF_ERROR(AsLocalFault(bytes.status()));
  DISTILL_RETURN_IF_ERROR(AsLocalFault(
      WriteModelAs(format, *bytes, graph, file).WithContext("write " + file.string())));
  DISTILL_ASSIGN_OR_RETURN(const std::string sha256, Sha256HexOfFile(file));
  v1::Artifact written;
  written.set_name(file.filename().string());
  written.set_attempt(weights.attempt());
  written.set_size_bytes(static_cast<int64_t>(std::filesystem::file_size(file, ignored)));
  written.set_sha256(sha256);
  written.set_kind(weights.kind());
  written.set_created_at_unix_ms(weights.created_at_unix_ms());
  return written;
}

// Returns where to write what no -o names: another file than the model keeps its own name.
std::string DefaultFile(const v1::Job& job, const GetModelOptions& options, ModelFormat format,
                        bool is_other_file) {
  if (options.artifact.empty()) return job.name() + ExtensionOf(format);
  const std::filesystem::path artifact = std::filesystem::path(options.artifact).filename();
  return job.name() + "-" +
         (is_other_file ? artifact.string() : artifact.stem().string() + ExtensionOf(format));
}

}  // namespace

ExitCode GetModel(const CommandContext& context, const GetModelOptions& options) {
  const ModelFormat format = FormatOf(options);
  const bool is_other_file =
      !options.artifact.empty() && !EndsWith(options.artifact, ".safetensors");
  if (is_other_file && options.format) {
    return context.FailWith(
        ExitCode::kUsage,
        "--format: only a .safetensors file has other forms, not " + options.artifact);
  }
  const auto job = context.client().GetJob(options.job);
  if (!job.ok()) return context.Fail(job.status());
  ArtifactDownload download;
  download.job = job->id();
  download.file =
      options.file.empty() ? DefaultFile(*job, options, format, is_other_file) : options.file;
  download.artifact = options.artifact;
  download.limits = context.Limits();
  download.on_progress = [&](int64_t done, int64_t size) { ShowProgress(context, done, size); };
  const auto fetched = format == ModelFormat::kSafetensors || is_other_file
                           ? DownloadToFile(context.client(), download)
                           : FetchAs(context, download, format);
  if (!fetched.ok()) return context.Fail(fetched.status());
  if (context.is_json()) {
    context.out() << ToJson(*fetched);
  } else {
    context.out() << OneLine(download.file.string()) << "  " << BytesText(fetched->size_bytes())
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
