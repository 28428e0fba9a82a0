#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "server/rpc/job_streams.h"

namespace distill::server {
namespace {

constexpr size_t kLogPieceBytes = size_t{64} << 10U;
constexpr int64_t kTailBytes = int64_t{64} << 10;
constexpr std::chrono::milliseconds kPoll{500};

class LogSource final : public StreamSource<v1::TailLogsResponse> {
 public:
  LogSource(const JobStreamInputs& inputs, JobId job, const v1::TailLogsRequest& request)
      : inputs_(inputs),
        job_(job),
        is_pinned_(request.attempt() != 0),
        follows_(request.follow()),
        attempt_(request.attempt()),
        offset_(request.offset()) {}

  /// Finds the attempt to begin with.
  Status Begin() {
    DISTILL_ASSIGN_OR_RETURN(const JobRecord job, inputs_.store.FindJob(job_));
    if (attempt_ < 0 || attempt_ > job.num_attempts) {
      return {Code::kNotFound, "no attempt of this job: " + std::to_string(attempt_)};
    }
    if (offset_ < -1) {
      return {Code::kInvalidArgument, "offset must be -1 or more: " + std::to_string(offset_)};
    }
    if (attempt_ == 0) attempt_ = job.num_attempts;
    return {};
  }

  StreamStep Next(v1::TailLogsResponse& message) override {
    // The state is read before the log: what was written before the end is then sent.
    const Result<JobRecord> job = inputs_.store.FindJob(job_);
    if (!job.ok()) return StreamStep::End(job.status());
    if (attempt_ == 0 && job->num_attempts > 0) attempt_ = 1;
    const bool has_newer = job->num_attempts > attempt_;
    if (attempt_ > 0) {
      Result<std::string> piece = ReadPiece();
      if (!piece.ok()) return StreamStep::End(piece.status());
      if (!piece->empty()) {
        offset_ = next_offset_;
        message.set_data(std::move(piece).value());
        message.set_next_offset(offset_);
        message.set_attempt(attempt_);
        return StreamStep::Send();
      }
    }
    if (!follows_ || (IsTerminal(job->state) && !has_newer) || (is_pinned_ && has_newer)) {
      return StreamStep::End();
    }
    if (!has_newer) return StreamStep::Wait(kPoll);
    ++attempt_;
    offset_ = 0;
    file_.Close();
    return StreamStep::Wait(std::chrono::milliseconds(0));
  }

 private:
  // Returns what follows at the offset; "" at the end, or when there is no log yet.
  Result<std::string> ReadPiece() {
    if (!file_.is_open()) {
      const std::string path = (inputs_.preparer.RunDirectory(job_, attempt_) / "worker.log");
      file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (!file_.is_open()) {
        if (errno == ENOENT) return std::string();
        return ErrnoStatus("open a log", errno);
      }
      DISTILL_RETURN_IF_ERROR(PlaceOffset());
    }
    if (std::string note = SkipHole(); !note.empty()) return note;
    std::string piece(kLogPieceBytes, '\0');
    const ssize_t count = ::pread(file_.get(), piece.data(), piece.size(), offset_);
    if (count < 0) return ErrnoStatus("read a log", errno);
    piece.resize(static_cast<size_t>(count));
    next_offset_ = offset_ + count;
    return piece;
  }

  // Returns what stands in place of the front of a log that was cut (server/worker/log_limit.h), or
  // "" where the offset does not lie in it.
  std::string SkipHole() {
    const off_t data = ::lseek(file_.get(), offset_, SEEK_DATA);
    if (data <= offset_) return "";
    next_offset_ = data;
    return "[distilld: " + std::to_string(data - offset_) + " bytes of the log were cut]\n";
  }

  Status PlaceOffset() {
    struct stat facts {};
    if (::fstat(file_.get(), &facts) != 0) return ErrnoStatus("look at a log", errno);
    if (offset_ == -1) offset_ = std::max<int64_t>(0, facts.st_size - kTailBytes);
    if (offset_ <= facts.st_size) return {};
    return {Code::kOutOfRange,
            "offset lies behind the log's end, " + std::to_string(facts.st_size)};
  }

  const JobStreamInputs inputs_;
  const JobId job_;
  const bool is_pinned_;  // to one attempt
  const bool follows_;
  int attempt_;              // 0 = none has started yet
  int64_t offset_;           // -1 = near the end
  int64_t next_offset_ = 0;  // behind the piece that was read last
  FileDescriptor file_;
};

}  // namespace

Result<std::unique_ptr<StreamSource<v1::TailLogsResponse>>> MakeLogSource(
    const JobStreamInputs& inputs, JobId job, const v1::TailLogsRequest& request) {
  auto source = std::make_unique<LogSource>(inputs, job, request);
  DISTILL_RETURN_IF_ERROR(source->Begin());
  return std::unique_ptr<StreamSource<v1::TailLogsResponse>>(std::move(source));
}

}  // namespace distill::server
