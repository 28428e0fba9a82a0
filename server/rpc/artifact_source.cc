#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "core/base/crc32c.h"
#include "core/base/hashed_file.h"
#include "core/base/sha256.h"
#include "server/rpc/job_messages.h"
#include "server/rpc/job_streams.h"
#include "server/rpc/verified_files.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kArtifactPieceBytes = size_t{256} << 10U;
constexpr char kDefaultArtifact[] = "best.safetensors";

// Returns the piece of a file at `offset`, of a size of `size` that lies behind it too.
Result<std::string> ReadPieceAt(const FileDescriptor& file, int64_t offset, int64_t size) {
  std::string piece(static_cast<size_t>(std::min<int64_t>(size - offset, kArtifactPieceBytes)),
                    '\0');
  size_t filled = 0;
  while (filled < piece.size()) {
    const ssize_t count = ::pread(file.get(), piece.data() + filled, piece.size() - filled,
                                  offset + static_cast<int64_t>(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus("read an artifact", errno);
    if (count == 0) return Status(Code::kDataLoss, "the file has been cut short");
    filled += static_cast<size_t>(count);
  }
  return piece;
}

// A worker replaces its models while it trains; the row follows a moment later.
Status OtherContent(const ArtifactRecord& artifact, bool has_ended) {
  if (!has_ended) return {Code::kUnavailable, "the file is being replaced, try again"};
  return {Code::kDataLoss, "the file is not what its job wrote: " + artifact.name};
}

std::optional<FileStamp> StampOfOpen(const FileDescriptor& file) {
  return StampOf("/proc/self/fd/" + std::to_string(file.get()));
}

// Sends a file that is open: replacing it does not change what is sent. Its content is looked at
// first, a piece at each step, so that a large file does not keep a thread from other streams.
class ArtifactSource final : public StreamSource<v1::DownloadArtifactResponse> {
 public:
  ArtifactSource(ArtifactRecord artifact, FileDescriptor file, int64_t offset,
                 VerifiedFiles& verified, bool has_ended)
      : artifact_(std::move(artifact)),
        file_(std::move(file)),
        stamp_(StampOfOpen(file_)),
        verified_(verified),
        has_ended_(has_ended),
        offset_(offset),
        is_checked_(artifact_.sha256.empty() ||
                    (stamp_ && verified_.Find(*stamp_) == artifact_.sha256)) {}

  StreamStep Next(v1::DownloadArtifactResponse& message) override {
    if (!is_checked_) {
      const Status checked = CheckPiece();
      return checked.ok() ? StreamStep::Wait(std::chrono::milliseconds(0))
                          : StreamStep::End(checked);
    }
    if (offset_ >= artifact_.size_bytes && !is_first_) return StreamStep::End();
    Result<std::string> read = ReadPieceAt(file_, offset_, artifact_.size_bytes);
    if (!read.ok()) return StreamStep::End(read.status());
    std::string piece = std::move(read).value();
    if (is_first_) *message.mutable_artifact() = ToMessage(artifact_);
    is_first_ = false;
    message.set_crc32c(Crc32c(piece));
    offset_ += static_cast<int64_t>(piece.size());
    message.set_data(std::move(piece));
    return StreamStep::Send();
  }

 private:
  // Hashes the next piece; behind the last one, compares.
  Status CheckPiece() {
    if (hashed_bytes_ < artifact_.size_bytes) {
      DISTILL_ASSIGN_OR_RETURN(const std::string piece,
                               ReadPieceAt(file_, hashed_bytes_, artifact_.size_bytes));
      hash_.Update(piece);
      hashed_bytes_ += static_cast<int64_t>(piece.size());
      return {};
    }
    if (hash_.HexDigest() != artifact_.sha256) return OtherContent(artifact_, has_ended_);
    if (stamp_ && StampOfOpen(file_) == stamp_) verified_.Add(*stamp_, artifact_.sha256);
    is_checked_ = true;
    return {};
  }

  const ArtifactRecord artifact_;
  const FileDescriptor file_;
  const std::optional<FileStamp> stamp_;  // as it was opened
  VerifiedFiles& verified_;
  const bool has_ended_;  // the job, when it was opened
  int64_t offset_;
  bool is_checked_;  // the content is what the job wrote
  Sha256 hash_;
  int64_t hashed_bytes_ = 0;
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

bool HasItsSize(const ArtifactRecord& artifact, const FileDescriptor& file) {
  struct stat facts {};
  return ::fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         facts.st_size == artifact.size_bytes;
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
  const bool has_ended = IsTerminal(record.state);
  if (!HasItsSize(artifact, file)) return OtherContent(artifact, has_ended);
  return std::unique_ptr<StreamSource<v1::DownloadArtifactResponse>>(
      std::make_unique<ArtifactSource>(std::move(artifact), std::move(file), request.offset(),
                                       inputs.verified, has_ended));
}

}  // namespace distill::server
