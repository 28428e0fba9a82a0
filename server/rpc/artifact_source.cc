#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "core/base/crc32c.h"
#include "core/base/sha256.h"
#include "server/rpc/job_messages.h"
#include "server/rpc/job_streams.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kArtifactPieceBytes = size_t{256} << 10U;
constexpr char kDefaultArtifact[] = "best.safetensors";

// Sends a file that is open: replacing it does not change what is sent.
class ArtifactSource final : public StreamSource<v1::DownloadArtifactResponse> {
 public:
  ArtifactSource(ArtifactRecord artifact, FileDescriptor file, int64_t offset)
      : artifact_(std::move(artifact)), file_(std::move(file)), offset_(offset) {}

  StreamStep Next(v1::DownloadArtifactResponse& message) override {
    const int64_t left = artifact_.size_bytes - offset_;
    if (left <= 0 && !is_first_) return StreamStep::End();
    std::string piece(static_cast<size_t>(std::min<int64_t>(left, kArtifactPieceBytes)), '\0');
    size_t filled = 0;
    while (filled < piece.size()) {
      const ssize_t count = ::pread(file_.get(), piece.data() + filled, piece.size() - filled,
                                    offset_ + static_cast<int64_t>(filled));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return StreamStep::End(ErrnoStatus("read an artifact", errno));
      if (count == 0) return StreamStep::End({Code::kDataLoss, "the file has been cut short"});
      filled += static_cast<size_t>(count);
    }
    if (is_first_) *message.mutable_artifact() = ToMessage(artifact_);
    is_first_ = false;
    message.set_crc32c(Crc32c(piece));
    offset_ += static_cast<int64_t>(piece.size());
    message.set_data(std::move(piece));
    return StreamStep::Send();
  }

 private:
  const ArtifactRecord artifact_;
  const FileDescriptor file_;
  int64_t offset_;
  bool is_first_ = true;
};

// The newest of the artifacts called `name`.
Result<ArtifactRecord> FindArtifact(const std::vector<ArtifactRecord>& artifacts,
                                    const std::string& name) {
  const ArtifactRecord* newest = nullptr;
  std::string names;
  for (const ArtifactRecord& artifact : artifacts) {
    names += (names.empty() ? "" : ", ") + artifact.name;
    if (artifact.name != name) continue;
    if (newest == nullptr || artifact.attempt >= newest->attempt) newest = &artifact;
  }
  if (newest != nullptr) return *newest;
  return Status(Code::kNotFound, "no artifact " + name + " of this job; there are: " +
                                     (names.empty() ? "none yet" : names));
}

// Opens a registered file, which must lie inside its run directory, links resolved.
Result<FileDescriptor> OpenInside(const fs::path& directory, const std::string& name) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  const fs::path real = error ? fs::path() : fs::canonical(root / name, error);
  if (error) return Status(Code::kDataLoss, "the file is no longer there: " + name);
  if (std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first != root.end()) {
    return Status(Code::kPermissionDenied, "the file lies outside its run directory: " + name);
  }
  FileDescriptor file(::open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return ErrnoStatus("open an artifact", errno);
  return file;
}

// A worker replaces its models while it trains; the row follows a moment later.
Status CheckContent(const ArtifactRecord& artifact, const FileDescriptor& file, bool has_ended) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return ErrnoStatus("look at an artifact", errno);
  bool is_same = S_ISREG(facts.st_mode) && facts.st_size == artifact.size_bytes;
  if (is_same && !artifact.sha256.empty()) {
    DISTILL_ASSIGN_OR_RETURN(const std::string sha256,
                             Sha256HexOfFile("/proc/self/fd/" + std::to_string(file.get())));
    is_same = sha256 == artifact.sha256;
  }
  if (is_same) return {};
  if (!has_ended) return {Code::kUnavailable, "the file is being replaced, try again"};
  return {Code::kDataLoss, "the file is not what its job wrote: " + artifact.name};
}

}  // namespace

Result<std::unique_ptr<StreamSource<v1::DownloadArtifactResponse>>> MakeArtifactSource(
    const JobStreamInputs& inputs, JobId job, const v1::DownloadArtifactRequest& request) {
  DISTILL_ASSIGN_OR_RETURN(const JobRecord record, inputs.store.FindJob(job));
  DISTILL_ASSIGN_OR_RETURN(const std::vector<ArtifactRecord> artifacts,
                           inputs.store.ListArtifacts(job));
  const std::string name = request.artifact().empty() ? kDefaultArtifact : request.artifact();
  DISTILL_ASSIGN_OR_RETURN(ArtifactRecord artifact, FindArtifact(artifacts, name));
  if (request.offset() < 0 || request.offset() > artifact.size_bytes) {
    return Status(Code::kOutOfRange, "offset must lie in 0 to the file's size, " +
                                         std::to_string(artifact.size_bytes));
  }
  DISTILL_ASSIGN_OR_RETURN(
      FileDescriptor file,
      OpenInside(inputs.preparer.RunDirectory(job, artifact.attempt), artifact.name));
  DISTILL_RETURN_IF_ERROR(CheckContent(artifact, file, IsTerminal(record.state)));
  return std::unique_ptr<StreamSource<v1::DownloadArtifactResponse>>(
      std::make_unique<ArtifactSource>(std::move(artifact), std::move(file), request.offset()));
}

}  // namespace distill::server
