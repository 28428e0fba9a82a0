#include "client/artifact_download.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "client/exit_code.h"
#include "core/base/crc32c.h"
#include "core/base/durable_file.h"
#include "core/base/sha256.h"

namespace distill::client {
namespace {

namespace fs = std::filesystem;

Status FileError(const std::string& action, int error_number) {
  return AsLocalFault(ErrnoStatus(action, error_number));
}

// The file that grows until it is whole. Owned by one thread.
class PartFile {
 public:
  explicit PartFile(fs::path target)
      : target_(std::move(target)), path_(target_.string() + ".part") {}

  Status Open() {
    descriptor_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!descriptor_.is_open()) return FileError("open " + path_.string(), errno);
    const off_t end = ::lseek(descriptor_.get(), 0, SEEK_END);
    if (end < 0) return FileError("seek " + path_.string(), errno);
    size_ = end;
    return {};
  }

  int64_t size() const { return size_; }

  Status Append(const std::string& bytes) {
    const Status status = WriteAll(descriptor_.get(), bytes, path_);
    if (!status.ok()) return AsLocalFault(status);
    size_ += static_cast<int64_t>(bytes.size());
    return {};
  }

  Status Restart() {
    if (::ftruncate(descriptor_.get(), 0) != 0 || ::lseek(descriptor_.get(), 0, SEEK_SET) != 0) {
      return FileError("truncate " + path_.string(), errno);
    }
    size_ = 0;
    return {};
  }

  Result<std::string> Digest() const {
    Result<std::string> digest = Sha256HexOfFile(path_);
    if (!digest.ok()) return AsLocalFault(digest.status());
    return digest;
  }

  // Makes the content durable and gives it its name.
  Status Finish() {
    if (::fsync(descriptor_.get()) != 0) return FileError("sync " + path_.string(), errno);
    descriptor_.Close();
    std::error_code error;
    fs::rename(path_, target_, error);
    if (error) return FileError("rename " + path_.string(), error.value());
    return AsLocalFault(
        SyncDirectory(target_.has_parent_path() ? target_.parent_path() : fs::path(".")));
  }

  void Remove() {
    descriptor_.Close();
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  const fs::path target_;
  const fs::path path_;
  FileDescriptor descriptor_;
  int64_t size_ = 0;
};

bool IsWorthRetrying(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kDataLoss ||
         status.code() == Code::kUnknown || status.code() == Code::kInternal;
}

// One artifact on its way into one file.
class Transfer {
 public:
  Transfer(const JobClient& client, const ArtifactDownload& download)
      : client_(client), download_(download), part_(download.file) {}

  Result<v1::Artifact> Run() {
    DISTILL_RETURN_IF_ERROR(part_.Open());
    // A part left behind by another artifact shows at the end; then once more, from the start.
    const bool has_old_part = part_.size() > 0;
    Result<v1::Artifact> result = FetchAndCheck();
    if (!result.ok() && has_old_part && !is_restarted_ && IsDamaged(result.status())) {
      DISTILL_RETURN_IF_ERROR(part_.Restart());
      result = FetchAndCheck();
    }
    if (!result.ok() && result.status().code() == Code::kDataLoss) part_.Remove();
    if (!result.ok() && part_.size() == 0) part_.Remove();
    return result;
  }

 private:
  static bool IsDamaged(const Status& status) {
    return status.code() == Code::kDataLoss || status.code() == Code::kOutOfRange ||
           status.code() == Code::kInvalidArgument;
  }

  Result<v1::Artifact> FetchAndCheck() {
    DISTILL_RETURN_IF_ERROR(FetchThroughOutages());
    if (!artifact_) return Status(Code::kDataLoss, "the server sent no description of the file");
    if (part_.size() != artifact_->size_bytes()) {
      return Status(Code::kDataLoss, "size differs: " + std::to_string(part_.size()) + " of " +
                                         std::to_string(artifact_->size_bytes()) + " bytes");
    }
    DISTILL_ASSIGN_OR_RETURN(const std::string digest, part_.Digest());
    if (digest != artifact_->sha256()) {
      return Status(Code::kDataLoss, "SHA-256 differs from the server's: " + artifact_->name());
    }
    DISTILL_RETURN_IF_ERROR(part_.Finish());
    return *artifact_;
  }

  Status FetchThroughOutages() {
    int attempts_without_progress = 0;
    while (true) {
      const int64_t size_before = part_.size();
      Status status = FetchOnce();
      if (!IsWorthRetrying(status)) return status;
      attempts_without_progress = part_.size() > size_before ? 0 : attempts_without_progress + 1;
      if (attempts_without_progress >= client_.options().max_attempts) return status;
      if (download_.limits.on_reconnect) download_.limits.on_reconnect(status);
      DISTILL_RETURN_IF_ERROR(
          client_.WaitToRetry(std::max(attempts_without_progress - 1, 0), download_.limits));
    }
  }

  Status FetchOnce() {
    v1::DownloadArtifactRequest request;
    request.set_job(download_.job);
    request.set_artifact(download_.artifact);
    request.set_offset(part_.size());
    return client_.DownloadArtifact(
        request, download_.limits,
        [this](const v1::DownloadArtifactResponse& piece) { return Take(piece); });
  }

  Status Take(const v1::DownloadArtifactResponse& piece) {
    if (piece.has_artifact()) {
      // The file behind the name changed between two connections: what came before is worthless.
      const bool has_changed = artifact_ && artifact_->sha256() != piece.artifact().sha256();
      artifact_ = piece.artifact();
      if (has_changed) {
        is_restarted_ = true;
        DISTILL_RETURN_IF_ERROR(part_.Restart());
        return {Code::kUnavailable, "the file changed on the server"};
      }
    }
    if (piece.data().empty()) return {};
    if (Crc32c(piece.data()) != piece.crc32c()) {
      return {Code::kDataLoss, "a piece arrived damaged, at byte " + std::to_string(part_.size())};
    }
    DISTILL_RETURN_IF_ERROR(part_.Append(piece.data()));
    if (download_.on_progress) {
      download_.on_progress(part_.size(), artifact_ ? artifact_->size_bytes() : 0);
    }
    return {};
  }

  const JobClient& client_;
  const ArtifactDownload& download_;
  PartFile part_;
  std::optional<v1::Artifact> artifact_;
  bool is_restarted_ = false;
};

}  // namespace

Result<v1::Artifact> DownloadToFile(const JobClient& client, const ArtifactDownload& download) {
  return Transfer(client, download).Run();
}

Result<std::string> DownloadToMemory(const JobClient& client, const ArtifactRequest& request,
                                     const StreamLimits& limits) {
  v1::DownloadArtifactRequest message;
  message.set_job(request.job);
  message.set_artifact(request.artifact);
  std::string content;
  std::string sha256;
  const auto take = [&](const v1::DownloadArtifactResponse& piece) -> Status {
    if (piece.has_artifact()) sha256 = piece.artifact().sha256();
    const auto size = static_cast<int64_t>(content.size() + piece.data().size());
    if (std::max(size, piece.artifact().size_bytes()) > request.max_bytes) {
      return {Code::kResourceExhausted,
              "larger than " + std::to_string(request.max_bytes) + " bytes: " + request.artifact};
    }
    content += piece.data();
    return {};
  };
  DISTILL_RETURN_IF_ERROR(client.DownloadArtifact(message, limits, take));
  if (Sha256Hex(content) != sha256) {
    return Status(Code::kDataLoss, "SHA-256 differs from the server's: " + request.artifact);
  }
  return content;
}

}  // namespace distill::client
