#include "server/store/intake.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "core/base/durable_file.h"
#include "core/base/journal.h"

namespace distill::server {

using Kind = IntakeNote::Kind;

// The number, then, but for kDeleting, a line end and the record.
std::string WriteIntakeNote(const IntakeNote& note) {
  const std::string number = std::to_string(note.job);
  return note.kind == Kind::kDeleting ? number : number + "\n" + note.record;
}

IntakeNote ReadIntakeNote(const std::string& payload) {
  IntakeNote note;
  const size_t end = payload.find('\n');
  std::from_chars(payload.data(), payload.data() + std::min(end, payload.size()), note.job);
  if (end != std::string::npos) note.record = payload.substr(end + 1);
  if (note.record.empty()) note.kind = end == std::string::npos ? Kind::kDeleting : Kind::kDeleted;
  return note;
}

std::map<JobId, IntakeNote> ReadIntake(const std::filesystem::path& state_directory) {
  std::map<JobId, IntakeNote> notes;
  int64_t offset = 0;
  while (true) {
    const auto chunk = ReadJournal(state_directory / kIntakeFile, offset);
    if (!chunk.ok() || chunk->payloads.empty()) return notes;
    for (const std::string& payload : chunk->payloads) {
      IntakeNote note = ReadIntakeNote(payload);
      IntakeNote& newest = notes[note.job];
      if (note.kind == Kind::kDeleting) note.record = std::move(newest.record);
      newest = std::move(note);
    }
    offset = chunk->next_offset;
  }
}

Status RenewIntake(const std::filesystem::path& state_directory, const std::set<JobId>& deleting) {
  const std::filesystem::path file = state_directory / kIntakeFile;
  const std::filesystem::path fresh = file.string() + ".tmp";
  std::error_code error;
  std::filesystem::remove(fresh, error);
  DISTILL_ASSIGN_OR_RETURN(JournalAppender notes, JournalAppender::Open(fresh));
  for (const JobId job : deleting) {
    DISTILL_RETURN_IF_ERROR(notes.Append(WriteIntakeNote({job, Kind::kDeleting, ""})));
  }
  DISTILL_RETURN_IF_ERROR(notes.Sync());
  std::filesystem::rename(fresh, file, error);
  if (error) return ErrnoStatus("rename " + fresh.string(), error.value());
  return SyncDirectory(state_directory);
}

}  // namespace distill::server
