#include "server/store/wal_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

// The formats: https://www.sqlite.org/fileformat2.html#walformat and
// https://www.sqlite.org/walformat.html (the shared memory file, in the machine's byte order).
constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint32_t kMagic = 0x377F0682;  // the last bit: sums are taken in big-endian words

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

uint32_t LittleEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i > 0; --i) value = value << 8U | static_cast<uint8_t>(bytes[at + i - 1]);
  return value;
}

struct Sum {
  uint32_t first = 0;
  uint32_t second = 0;

  void Add(std::string_view bytes, bool is_big_endian) {
    const auto word = is_big_endian ? BigEndian : LittleEndian;
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += word(bytes, at) + second;
      second += word(bytes, at + 4) + first;
    }
  }
  bool Equals(std::string_view bytes, size_t at) const {
    return first == BigEndian(bytes, at) && second == BigEndian(bytes, at + 4);
  }
};

struct LogFindings {
  std::string salts;          // of the header; "" = there is no log
  uint32_t whole_frames = 0;  // up to the last commit before the first damaged frame
  int lost_commits = 0;       // behind that frame, of the same generation of the log
};

// Reads the frames behind a whole header, whose sum is `sum`.
void ReadFrames(std::istream& file, const std::string& header, Sum sum, LogFindings& findings) {
  const bool is_big_endian = (BigEndian(header, 0) & 1U) != 0;
  std::string frame(kFrameHeaderBytes + BigEndian(header, 8), '\0');
  uint32_t number = 0;
  bool is_whole = true;
  while (file.read(frame.data(), static_cast<std::streamsize>(frame.size()))) {
    ++number;
    const bool is_of_this_generation = frame.compare(8, 8, findings.salts) == 0;
    if (is_whole) {
      sum.Add(std::string_view(frame).substr(0, 8), is_big_endian);
      sum.Add(std::string_view(frame).substr(kFrameHeaderBytes), is_big_endian);
      is_whole = is_of_this_generation && sum.Equals(frame, 16);
    }
    const bool is_commit = BigEndian(frame, 4) != 0;
    if (is_whole && is_commit) findings.whole_frames = number;
    if (!is_whole && is_commit && is_of_this_generation) ++findings.lost_commits;
  }
}

Result<LogFindings> ReadLog(const std::filesystem::path& path) {
  LogFindings findings;
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || size < kHeaderBytes) return findings;
  std::ifstream file(path, std::ios::binary);
  std::string header(kHeaderBytes, '\0');
  if (!file.read(header.data(), kHeaderBytes)) {
    return Status(Code::kUnavailable, "read " + path.string());
  }
  Sum sum;
  sum.Add(std::string_view(header).substr(0, 24), (BigEndian(header, 0) & 1U) != 0);
  const uint32_t page_bytes = BigEndian(header, 8);
  if ((BigEndian(header, 0) & ~1U) != kMagic || !sum.Equals(header, 24) || page_bytes < 512) {
    if (size > kHeaderBytes) findings.lost_commits = 1;
    return findings;
  }
  findings.salts = header.substr(16, 8);
  ReadFrames(file, header, sum, findings);
  return findings;
}

struct SharedNote {
  std::string salts;
  uint32_t frames = 0;         // committed
  uint32_t copied_frames = 0;  // into the database
};

// What the last process knew of the log; nothing when there is no note, or it was torn.
std::optional<SharedNote> ReadSharedNote(const std::filesystem::path& path) {
  constexpr size_t kCopyBytes = 48;
  constexpr size_t kCopiedAt = 96;
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kCopiedAt + 4, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return std::nullopt;
  const bool is_set = bytes[12] != 0;
  if (!is_set || bytes.compare(0, kCopyBytes, bytes, kCopyBytes, kCopyBytes) != 0) {
    return std::nullopt;
  }
  SharedNote note;
  note.salts = bytes.substr(32, 8);
  std::memcpy(&note.frames, bytes.data() + 16, sizeof(note.frames));
  std::memcpy(&note.copied_frames, bytes.data() + kCopiedAt, sizeof(note.copied_frames));
  return note;
}

Status Lost(const std::filesystem::path& log, const std::string& what) {
  return {Code::kDataLoss, "the write-ahead log is damaged, " + what + ": " + log.string()};
}

}  // namespace

Status CheckWriteAheadLog(const std::filesystem::path& database, bool is_durable) {
  const std::filesystem::path log = database.string() + "-wal";
  DISTILL_ASSIGN_OR_RETURN(const LogFindings findings, ReadLog(log));
  const bool has_log = !findings.salts.empty();
  // One is the transaction that was under way.
  if (findings.lost_commits > (has_log ? 1 : 0)) {
    return Lost(log, "transactions behind frame " + std::to_string(findings.whole_frames) +
                         " can no longer be read");
  }
  const auto note = ReadSharedNote(database.string() + "-shm");
  if (!note || (has_log && note->salts != findings.salts)) return Status::Ok();
  const uint32_t expected = is_durable ? note->frames : note->copied_frames;
  const bool is_all_copied = !has_log && note->copied_frames >= note->frames;
  if (expected <= findings.whole_frames || is_all_copied) return Status::Ok();
  return Lost(log, "it holds " + std::to_string(findings.whole_frames) + " frames of " +
                       std::to_string(expected));
}

}  // namespace distill::server
